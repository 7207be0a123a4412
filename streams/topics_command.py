"""The sub-command `topics`: make what is missing, and end.

For deployments whose workers may not make topics themselves.
"""

import argparse
import asyncio

from streams.errors import TallyError


def add_topics(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command."""
    text = "make the topics that are missing, as a worker does at its start, and end"
    parser = commands.add_parser("topics", help=text, description=text)
    parser.set_defaults(run=run_topics)


def run_topics(_args: argparse.Namespace) -> int:
    """Make them, and print all with their partition counts."""
    from streams.app import app  # reads the settings
    from streams.transport.prepare import prepare_topics

    try:
        work = prepare_topics(app.settings, app.topology, app.output_topics)
        partitions = asyncio.run(work)
    except TallyError as exc:
        raise SystemExit(f"tally: {exc}") from None
    for topic, count in sorted(partitions.items()):
        print(f"{topic}  {count}")
    return 0
