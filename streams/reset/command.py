"""The sub-command: options, exit codes, errors in a line."""

import argparse
import asyncio
import logging
import sys

import aiokafka.errors as kafka_errors

from streams.access import check_access, explain
from streams.errors import TallyError
from streams.kafka.cluster import KafkaCluster
from streams.reset.plan import Begin
from streams.reset.steps import carry_out, prepare
from streams.settings import Settings
from streams.tasks.topology import Topology

DESCRIPTION = """Reset the application: needed before the window, the grace, the filter or a
partition count changes. Deletes the internal topics and this machine's state, and sets the offsets
of the input. Input, results and the offsets of sinks stay as they are. Refused while workers run.
Without --execute it only tells what it would do."""


def add_reset(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command `reset`."""
    parser = commands.add_parser(
        "reset", help="begin with other settings, or anew", description=DESCRIPTION
    )
    parser.add_argument(
        "--to",
        required=True,
        choices=[begin.value for begin in Begin],
        help="go on where the workers have stopped; or count all of the input again, which writes "
        "its finals again, too",
    )
    parser.add_argument(
        "--discard-open-windows",
        action="store_true",
        help="with --to current: lose the counts of windows that are still open",
    )
    parser.add_argument("--execute", action="store_true", help="do it")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Reset the application of this environment; returns the exit code, 1 if it was refused."""
    from streams.app import app  # with its jobs and sinks; reads the settings

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # we tell what comes of it
    try:
        asyncio.run(_reset(app.settings, app.topology, options))
    except TallyError as exc:
        print(f"tally reset: {exc}", file=sys.stderr)
        return 1
    return 0


async def _reset(settings: Settings, topology: Topology, options: argparse.Namespace) -> None:
    await check_access(settings.kafka, ())
    cluster = KafkaCluster(settings.kafka.client_options(), settings.transaction_timeout_ms)
    begin = Begin(options.to)
    try:
        await cluster.start()
        plan = await prepare(settings, topology, cluster, begin, options.discard_open_windows)
        print(f"{settings.app_id}:\n{plan.as_text()}")
        if not options.execute:
            print("Nothing was changed. To do it, add --execute.")
            return
        await carry_out(settings, cluster, plan)
        print("Done: workers may start.")
    except (OSError, kafka_errors.KafkaError) as exc:
        raise explain(exc, settings.kafka) from exc
    finally:
        await cluster.stop()
