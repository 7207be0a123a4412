"""One process: all its sources, until they end or somebody stops it."""

import asyncio
import importlib
import logging
import signal
import time
from collections.abc import Sequence

from producers.backoff import Backoff
from producers.ingest.checkpoints import CONFIGS, Checkpoints, topic_of_checkpoints
from producers.ingest.gateway import Gateway, topics_of
from producers.ingest.outlet import Outlet
from producers.ingest.site import Site
from producers.ingest.source import Source
from streams import metrics
from streams.errors import IngestError
from streams.settings import Settings
from streams.topics import ensure_topics

log = logging.getLogger(__name__)

#: Seconds that a source must have run for its next trouble to count as its first.
SOUND_S = 60.0
#: Seconds that Kafka has to acknowledge what was taken when the process stops.
DRAIN_S = 10.0


async def run(settings: Settings, names: Sequence[str]) -> None:
    """Run the sources of these names; SIGINT and SIGTERM end them in order.

    Raises TallyError for whatever a person has to act upon.
    """
    stop = _on_signals()
    ingest = settings.ingest
    topics = sorted({topic for name in names for topic in topics_of(settings, name)})
    await ensure_topics(settings, topics)
    await ensure_topics(settings, [topic_of_checkpoints(settings)], CONFIGS)
    outlet = Outlet(settings.kafka, ingest.buffer_bytes, ingest.max_record_bytes)
    site = Site(ingest)
    gateway = Gateway(settings, outlet, Checkpoints(settings, outlet), site)
    try:
        await outlet.start([*topics, topic_of_checkpoints(settings)])
        await gateway.checkpoints.load()
        sources = {name: _source(name, gateway) for name in dict.fromkeys(names)}
        await site.start()
        await _run_all(sources, stop)
    finally:
        await site.close()
        try:
            async with asyncio.timeout(DRAIN_S):
                await outlet.drain()
        except TimeoutError:
            log.error("Kafka hasn't acknowledged all within %g s; sources will repeat it", DRAIN_S)
        await outlet.close()


def _source(name: str, gateway: Gateway) -> Source:
    module = importlib.import_module(f"producers.ingest.sources.{name}")
    made: Source = module.source(gateway)
    return made


async def _run_all(sources: dict[str, Source], stop: asyncio.Event) -> None:
    """Until all have ended, one raises what isn't passing, or `stop` is set."""
    stopping = asyncio.create_task(stop.wait())
    running = {asyncio.create_task(_keep(name, source)) for name, source in sources.items()}
    try:
        left = set(running)
        while left and not stop.is_set():
            done, _ = await asyncio.wait({*left, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                task.result()
            left -= done
    finally:
        for task in {stopping, *running}:
            task.cancel()
        await asyncio.wait({stopping, *running})


async def _keep(name: str, source: Source) -> None:
    """Run a source again whenever it can't go on."""
    backoff = Backoff(1.0, 60.0)
    while True:
        began = time.monotonic()
        try:
            await source.run()
        except IngestError as exc:
            log.error("%s: %s", name, exc)
            metrics.INGEST_TROUBLE.labels(name).inc()
            if time.monotonic() - began > SOUND_S:
                backoff.reset()
            await asyncio.sleep(backoff.next_s())
        else:
            return


def _on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
