"""The main job: hashtags mentioned more than a few times in a window of 20 seconds.

The same as this Kafka Streams program, exactly once and with lateness judged at the source:

    filter(len > 1) . lowercase . trim . selectKey(hashtag) . groupByKey
      . windowedBy(tumbling 20 s, grace 0) . count . suppress(until window closes)
      . filter(count > 4)  ->  twitter_output, and a log line for each final result
"""

import logging
import struct
from collections.abc import Callable, Sequence
from functools import partial
from json.encoder import encode_basestring

from streams.core.final import Final
from streams.core.text import longer_than_one, trim
from streams.core.windows import TumblingWindows
from streams.jobs.names import HASHTAG_COUNTS
from streams.jobs.schemas import FINAL, HASHTAG_FIELD
from streams.settings import Settings
from streams.tasks.batch import Batches
from streams.transport.app import StreamsApp

log = logging.getLogger(__name__)


def hashtags(app: StreamsApp, settings: Settings) -> None:
    """Add the job's table and its two agents to `app`."""
    mentions = app.windowed_count(
        HASHTAG_COUNTS,
        source=settings.input_topic,
        windows=TumblingWindows(settings.window_ms, settings.grace_ms),
        selection="longer_than_one, lower, trim",
        help="Mentions of each hashtag in a window",
    )

    encode = _encoder(app, settings)

    @app.batch_agent(settings.input_topic, name="count_mentions")
    async def count_mentions(batches: Batches) -> None:
        """Filter, normalise, and count each partition's hashtags in windows."""
        async for batch in batches:
            hashtag = batch.text(HASHTAG_FIELD).filter(longer_than_one).map(str.lower).map(trim)
            mentions.count(hashtag)

    @app.batch_agent(mentions.partials, name="emit_finals", sends_to=[settings.output_topic])
    async def emit_finals(batches: Batches) -> None:
        """Merge the counts by hashtag, and write what a closed window's count comes to."""
        async for batch in batches:
            mentions.merge(batch)
            finals = list(mentions.finals(batch, above=settings.min_mentioned))
            for final in finals:
                batch.send(
                    settings.output_topic,
                    key=final.key,
                    value=encode(final),
                    timestamp=final.timestamp,
                )
            if finals and settings.log_finals:
                batch.after_commit(partial(log_finals, finals))


def as_json(final: Final[int]) -> bytes:
    """`{"hashtag", "count", "window_start", "window_end"}` in UTF-8, bounds in epoch ms."""
    # By hand, for json.dumps takes six times as long; only the hashtag needs quoting.
    return (
        f'{{"hashtag": {encode_basestring(final.key.decode())}, "count": {final.value}, '
        f'"window_start": {final.window_start}, "window_end": {final.window_end}}}'
    ).encode()


def as_long(final: Final[int]) -> bytes:
    """The count as Java's LongSerializer writes it: 8 bytes, big-endian."""
    return struct.pack(">q", final.value)


def log_finals(finals: Sequence[Final[int]]) -> None:
    """Log final results, a line each; called once they are committed.

    All in one go: a large window closes with 20,000 of them, and as many calls of a logger would
    hold up the event loop for a second.
    """
    lines = (
        f"#{f.key.decode()} was mentioned {f.value} times from {f.window_start} to {f.window_end}"
        for f in finals
    )
    log.info("%d final results\n%s", len(finals), "\n".join(lines))


def _encoder(app: StreamsApp, settings: Settings) -> Callable[[Final[int]], bytes]:
    write = app.formats.writer(settings.output_topic, FINAL, _fields(Final(b"", 0, 0, 0)))
    if write is not None:
        return lambda final: write(_fields(final))
    return {"json": as_json, "long": as_long}[settings.output_format]


def _fields(final: Final[int]) -> dict[str, str | int]:
    return {
        "hashtag": final.key.decode(),
        "count": final.value,
        "window_start": final.window_start,
        "window_end": final.window_end,
    }
