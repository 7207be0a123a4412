"""Several workers on one machine, one process each: what `num.stream.threads` is to Kafka Streams.

Each has a web port, a data folder and a log of its own. One that dies is started again, after a
pause that grows while it keeps dying; all are stopped together.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from yarl import URL

from streams.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between a death and the next start: the first time, and at most.
RESTART_SECONDS = (0.2, 10.0)
#: Seconds a process has to live for the pause to begin anew.
STEADY_SECONDS = 30.0
#: Seconds a worker has to hand over its partitions before it is killed.
STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class WorkerPlace:
    """Where the nth worker of a machine lives; `environ` is what tells it so."""

    number: int
    log_file: Path
    environ: Mapping[str, str]


def places(settings: Settings, environ: Mapping[str, str], n: int) -> list[WorkerPlace]:
    """The places of n workers: ports count up from the web port, folders are numbered."""
    return [_place(settings, environ, i) for i in range(n)]


def _place(settings: Settings, environ: Mapping[str, str], i: int) -> WorkerPlace:
    folder = settings.data_dir / f"worker-{i}"
    own = {
        "STREAMS_DATA_DIR": str(folder),
        "STREAMS_WEB_PORT": str(settings.web_port + i),
    }
    if settings.queries.advertised_url is not None:
        url = URL(settings.queries.advertised_url)
        own["STREAMS_ADVERTISED_URL"] = str(url.with_port((url.port or 0) + i))
    if settings.instance_id is not None:
        own["STREAMS_INSTANCE_ID"] = f"{settings.instance_id}-{i}"
    return WorkerPlace(i, folder / "worker.log", {**environ, **own})


async def run_workers(places: Sequence[WorkerPlace], command: Sequence[str]) -> None:
    """Keep a process running at each place until SIGTERM or SIGINT, then stop them all."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await asyncio.gather(*(_keep_running(place, command, stop) for place in places))


async def _keep_running(place: WorkerPlace, command: Sequence[str], stop: asyncio.Event) -> None:
    place.log_file.parent.mkdir(parents=True, exist_ok=True)
    pause = RESTART_SECONDS[0]
    while not stop.is_set():
        started_at = time.monotonic()
        code = await _run_once(place, command, stop)
        if stop.is_set():
            return
        steady = time.monotonic() - started_at > STEADY_SECONDS
        pause = RESTART_SECONDS[0] if steady else min(pause * 2, RESTART_SECONDS[1])
        log.warning(
            "Worker %d ended with code %d; it starts again in %.1f s (log: %s)",
            place.number,
            code,
            pause,
            place.log_file,
        )
        await _wait(stop, pause)


async def _run_once(place: WorkerPlace, command: Sequence[str], stop: asyncio.Event) -> int:
    """Run a worker until it ends or has to; returns its exit code."""
    with place.log_file.open("ab") as output:
        # A session of its own, so that Ctrl-C reaches us first and all are stopped in good order.
        process = await asyncio.create_subprocess_exec(
            *command, env=place.environ, stdout=output, stderr=output, start_new_session=True
        )
    log.info("Worker %d runs as process %d", place.number, process.pid)
    ended = asyncio.create_task(process.wait())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not ended.done():
        process.terminate()
        await asyncio.wait([ended], timeout=STOP_SECONDS)
    if not ended.done():
        process.kill()
    return await ended


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


def run(settings: Settings, n: int, loglevel: str) -> None:
    """Run n workers on this machine until stopped; 0: one for each core."""
    logging.basicConfig(level=loglevel.upper(), format="%(asctime)s %(levelname)s %(message)s")
    count = n or os.cpu_count() or 1
    command = [sys.executable, "-m", "streams.cli", "worker", "--loglevel", loglevel]
    asyncio.run(run_workers(places(settings, os.environ, count), command))
