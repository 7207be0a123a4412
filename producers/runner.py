"""From a source to the topic, until it ends or somebody stops it."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any, TextIO, TypeVar

from producers.progress import Progress
from producers.rate_line import RateLine
from producers.sources import Source, Target
from streams.kafka_settings import KafkaSettings
from streams.schemas.formats import Formats
from streams.settings import Settings
from streams.topics import ensure_topics

T = TypeVar("T")


async def run(
    settings: Settings,
    topic: str,
    source: Source[T],
    new_publisher: Callable[[KafkaSettings, str, Formats], Target[T]],
    out: TextIO = sys.stderr,
) -> None:
    """Publish all of `source`; SIGINT and SIGTERM end it cleanly, a second one at once.

    A topic that is missing is created, if the settings let us. Raises TallyError for whatever goes
    wrong. What was taken is flushed, within bounds.
    """
    stop = _on_signals()
    formats = Formats(settings)
    publisher = new_publisher(settings.kafka, topic, formats)
    try:
        await _unless(stop, formats.start())
        await _unless(stop, ensure_topics(settings, [topic]))
        await _unless(stop, publisher.start())
        if not stop.done():
            await _publish(source, publisher, stop, out)
    finally:
        await formats.aclose()
        await publisher.close()


def _on_signals() -> asyncio.Future[None]:
    """A future that is done as soon as somebody wants us to end."""
    loop = asyncio.get_running_loop()
    stop = loop.create_future()

    def stopped() -> None:
        stop.set_result(None)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped)
    return stop


async def _unless(stop: asyncio.Future[None], work: Coroutine[Any, Any, None]) -> None:
    """Do `work`, or break it off when `stop` is done; raises what either of them raises."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
    if not task.cancelled():
        task.result()
    if stop.done():
        stop.result()


async def _publish(
    source: Source[T], publisher: Target[T], stop: asyncio.Future[None], out: TextIO
) -> None:
    line = RateLine(publisher, out)
    showing = asyncio.create_task(line.run())
    progress = Progress(source, publisher)
    try:
        await _unless(stop, _unless(publisher.failure, _pump(source, progress)))
        await progress.finish()
    finally:
        showing.cancel()
        await asyncio.wait({showing})
        print(_told(line.summary(), source.report()), file=out)


async def _pump(source: Source[T], progress: Progress) -> None:
    async with aclosing(source.chunks()) as chunks:
        async for chunk in chunks:
            await progress.publish(chunk)


def _told(summary: str, report: str) -> str:
    return f"{summary}; {report}" if report else summary
