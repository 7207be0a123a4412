"""The log as an application: a line for each record of some topics, at least once, in order."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from streams.settings import Settings
from streams.tasks.results import Result, Results
from streams.transport.app import StreamsApp

log = logging.getLogger(__name__)

NAME = "log"
#: Characters of a key or value that are shown.
LENGTH = 10_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Characters that would break a line, or change what a terminal shows.
_CONTROLS = {n: f"\\x{n:02x}" for n in (*range(32), *range(127, 160))}


def log_app(settings: Settings) -> StreamsApp:
    """The application. It has an id of its own, so that it may log what workers read, too."""
    settings = replace(settings, app_id=f"{settings.app_id}-{NAME}")
    app = StreamsApp(settings)
    for topic in dict.fromkeys(settings.log_topics or settings.output_topics.values()):
        app.sink_agent(topic, name=NAME)(log_results)
    return app


async def log_results(results: Results) -> None:
    """Log one partition's records."""
    async for some in results:
        # In one go, for a line each takes five times as long.
        log.info("%d records\n%s", len(some), "\n".join(lines(some)))
        for result in some:
            results.accepted(result)


def lines(results: Sequence[Result]) -> list[str]:
    """A line for each record: topic, partition, offset, time, key and value."""
    return [
        f"{result.topic} {result.partition} {result.offset} {_time(result.timestamp)} "
        f"{_shown(result.key)} {_shown(result.value)}"
        for result in results
    ]


def _time(timestamp: int) -> str:
    try:
        at = _EPOCH + timedelta(milliseconds=timestamp)
    except OverflowError:
        return str(timestamp)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _shown(raw: bytes | None) -> str:
    """Text as it is, but on one line; what isn't UTF-8 as Python writes bytes."""
    if raw is None:
        return "null"
    cut = raw[: 4 * LENGTH]
    try:
        text = raw.decode().translate(_CONTROLS)
    except UnicodeDecodeError:
        text = repr(cut)
    if len(text) > LENGTH:
        return f"{text[:LENGTH]}... ({len(raw)} bytes)"
    return text or '""'
