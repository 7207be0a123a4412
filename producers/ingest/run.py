"""One process: all its sources, until they end or somebody stops it."""

import asyncio
import importlib
import logging
import signal
import time
from collections.abc import Collection, Sequence

from producers.backoff import Backoff
from producers.ingest.checkpoints import CONFIGS, Checkpoints, topic_of_checkpoints
from producers.ingest.formats import TopicFormats
from producers.ingest.gateway import Gateway, topics_of
from producers.ingest.outlet import Outlet
from producers.ingest.site import Site
from producers.ingest.source import Source
from streams import metrics
from streams.errors import IngestError
from streams.schemas.formats import Formats
from streams.settings import Settings
from streams.topics import ensure_topics

log = logging.getLogger(__name__)

#: Seconds that a source must have run for its next trouble to count as its first.
SOUND_S = 60.0
AGAIN_S = 0.5

Running = Collection[asyncio.Task[None]]


async def run(settings: Settings, names: Sequence[str]) -> None:
    """Run the sources of these names; SIGINT and SIGTERM end them in order.

    Raises TallyError for whatever a person has to act upon.
    """
    stop = _on_signals()
    ingest = settings.ingest
    records_to = {topic for name in names for topic in topics_of(settings, name)}
    topics = {settings.dead_letter_topic, *records_to}
    for topic in records_to:
        metrics.from_zero(metrics.DEAD_LETTERS, topic)
    formats = Formats(settings)
    of_topics = TopicFormats(settings, formats, records_to)
    await formats.start()
    # What was looked up at the start is all that writing takes.
    await formats.aclose()
    await ensure_topics(settings, sorted(topics))
    await ensure_topics(settings, [topic_of_checkpoints(settings)], CONFIGS)
    outlet = Outlet(settings.kafka, ingest.buffer_bytes, ingest.max_record_bytes)
    site = Site(ingest, outlet)
    gateway = Gateway(settings, outlet, Checkpoints(settings, outlet), site, of_topics)
    try:
        await outlet.start([*topics, topic_of_checkpoints(settings)])
        await gateway.checkpoints.load()
        sources = {name: _source(name, gateway) for name in dict.fromkeys(names)}
        # A pipe has nobody who would ask it, and several may run on one machine.
        if sources.keys() != {"stdin"}:
            await site.start()
        await run_all(sources, site, stop, ingest.stop_ms / 1000)
    finally:
        await site.close()
        await outlet.close()


async def run_all(
    sources: dict[str, Source], site: Site, stop: asyncio.Event, finish_s: float
) -> None:
    """Until all have ended, one raises what isn't passing, or `stop` is set.

    Then they have `finish_s` to acknowledge what they have read.
    """
    running = [asyncio.create_task(_keep(name, one, stop)) for name, one in sources.items()]
    stopping = asyncio.create_task(stop.wait())
    try:
        left = set(running)
        while left and not stop.is_set():
            done, _ = await asyncio.wait({*left, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                task.result()
            left -= done
    finally:
        stop.set()
        await stopping
        # Requests are acknowledged by the site.
        await asyncio.gather(site.close(), _finish(running, finish_s))
    for task in running:
        if not task.cancelled():
            task.result()


async def _finish(running: Running, seconds: float) -> None:
    """Let sources read no more, and acknowledge what they have read."""
    for task in running:
        task.cancel()
    _, pending = await asyncio.wait(running, timeout=seconds)
    if pending:
        log.error(
            "Kafka hasn't acknowledged all within %g s; the sources will bring it again", seconds
        )
    while pending:
        for task in pending:
            task.cancel()
        # Again, for what is waited for deeper within.
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)


async def _keep(name: str, source: Source, stop: asyncio.Event) -> None:
    """Run a source again whenever it can't go on."""
    metrics.from_zero(metrics.INGEST_TROUBLE, name)
    backoff = Backoff(1.0, 60.0)
    while True:
        began = time.monotonic()
        try:
            await source.run()
        except IngestError as exc:
            log.error("%s: %s", name, exc)
            metrics.INGEST_TROUBLE.labels(name).inc()
            if stop.is_set():
                return
            if time.monotonic() - began > SOUND_S:
                backoff.reset()
            await asyncio.sleep(backoff.next_s())
        else:
            return


def _source(name: str, gateway: Gateway) -> Source:
    module = importlib.import_module(f"producers.ingest.sources.{name}")
    made: Source = module.source(gateway)
    return made


def _on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
