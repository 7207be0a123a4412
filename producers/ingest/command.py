"""`tally ingest SOURCE …`: one process that takes records in from all these sources."""

import argparse
import asyncio
import logging
from typing import Any

from streams.errors import TallyError
from streams.ingest.kinds import SOURCES
from streams.settings_or_exit import settings_or_exit


def add_ingest(commands: Any) -> None:
    """Add the sub-command."""
    text = "take records in from other systems, and publish them to Kafka"
    parser = commands.add_parser("ingest", help=text, description=f"{text}; see docs/sources.md")
    parser.add_argument(
        "sources", nargs="+", choices=SOURCES, metavar="SOURCE", help=", ".join(SOURCES)
    )
    parser.add_argument("-l", "--loglevel", default="info", help="default: info")
    parser.set_defaults(run=run_ingest)


def run_ingest(args: argparse.Namespace) -> int:
    """Run until stopped by SIGTERM or Ctrl-C, or until all sources have ended."""
    from producers.ingest.run import run  # a web server, which the others don't need

    logging.basicConfig(
        level=args.loglevel.upper(), format="[%(asctime)s] %(levelname)s %(message)s"
    )
    # They tell of every attempt, and what comes of them is told by our own errors.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    settings = settings_or_exit()
    try:
        asyncio.run(run(settings, args.sources))
    except TallyError as exc:
        raise SystemExit(f"tally: {exc}") from None
    return 0
