"""Kafka, a worker and made-up tweets on this machine, and their top hashtags live.

``make demo`` runs this. It needs nothing but this Python environment, and Ctrl-C ends all of it. If
KAFKA_BOOTSTRAP names a cluster, that one is used.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.local.cluster import LocalKafka
from deploy.local.demo_cleanup import delete_topics
from deploy.local.demo_run import Run
from deploy.local.demo_settings import DemoSettings
from deploy.local.demo_show import say
from deploy.local.demo_signals import StopSignals
from deploy.local.external import ExternalKafka, external_kafka, local_or_external
from streams.access import check_access
from streams.errors import TallyError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo until it is stopped; 1 if something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.demo", description=__doc__)
    parser.add_argument("--rate", type=float, default=200, help="made-up tweets a second (200)")
    rate: float = parser.parse_args(argv).rate
    signals = StopSignals()
    signals.install()
    try:
        return _guarded(signals, rate)
    finally:
        signals.ignore()


def _guarded(signals: StopSignals, rate: float) -> int:
    """Run the demo, and say what went wrong."""
    folder = Path(tempfile.mkdtemp(prefix="tally-demo-"))
    try:
        _demo(signals, folder, rate)
    except KeyboardInterrupt:
        say("stopped before it began")
    except BrokenPipeError:
        # Who reads our output has had enough. Python must not fail at the last flush either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except TallyError as error:
        say(f"error: {error}")
        if _keeps_logs(folder):
            say(f"all logs are in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _keeps_logs(folder: Path) -> bool:
    """Whether something is in the folder; an empty one is removed."""
    try:
        folder.rmdir()
    except OSError:
        return True
    return False


def _demo(signals: StopSignals, folder: Path, rate: float) -> None:
    if external := external_kafka():
        say(f"using Kafka at {external.bootstrap}, as KAFKA_BOOTSTRAP says")
    else:
        say("starting Kafka on this machine")
    with local_or_external() as cluster:
        settings = DemoSettings.make(cluster, folder)
        asyncio.run(check_access(settings.streams.kafka))  # says it better than who comes next
        asyncio.run(_run(signals, cluster, settings, folder, rate))


async def _run(
    signals: StopSignals,
    cluster: LocalKafka | ExternalKafka,
    settings: DemoSettings,
    folder: Path,
    rate: float,
) -> None:
    run = Run(cluster, settings, folder, rate)
    stop = asyncio.Event()
    with signals.heard_by(stop.set, asyncio.get_running_loop()):
        try:
            await run.until(stop)
        finally:
            say("stopping")
            run.stop()
            if settings.own_prefix is not None:
                say(await delete_topics(cluster.client_options(), settings.own_prefix))
    say(f"stopped; final results: {run.results}")


if __name__ == "__main__":
    sys.exit(main())
