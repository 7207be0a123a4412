"""Reading the shards of a stream, with a checkpoint for each: Kinesis and DynamoDB Streams.

A shard is read after its parents, so that changes of one key stay in their order. One process
reads a stream; a second one would publish everything again.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from producers.ingest.aws.calls import AwsError
from producers.ingest.gateway import Gateway
from producers.ingest.in_order import in_order
from producers.ingest.record import Record

log = logging.getLogger(__name__)

#: Records of a read, and shards that are read at a time.
RECORDS = 1000
THREADS = 8
#: Seconds between reads of a shard; Kinesis allows five in a second. The longer pause follows those
#: that found nothing.
PAUSE_SECONDS, QUIET_SECONDS = 0.2, 0.5
#: Seconds between looks for new shards.
LOOK_SECONDS = 10.0
#: Seconds after which the checkpoint of a shard that isn't kept any more is forgotten: much more
#: than a list of shards may lag behind.
FORGET_SECONDS = 3600.0

#: Where to read on, beside sequence numbers: from the first record that is kept, or from the next.
OLDEST, NEWEST = "oldest", "newest"
#: Of a checkpoint: the shard is closed, and read to its end.
ENDED = "ended"


class Shard(NamedTuple):
    """One shard and those it came from."""

    name: str
    parents: tuple[str, ...]


class Piece(NamedTuple):
    """What one read has given; `iterator` is None at the end of a closed shard."""

    records: Sequence[tuple[str, Record]]
    iterator: str | None


class Stream(Protocol):
    """What differs between the services. All raise SourceError."""

    name: str

    async def shards(self) -> list[Shard]:
        """All shards that are kept."""
        ...

    async def iterator(self, shard: str, at: str) -> str:
        """Where to read: after the sequence number `at`, or from OLDEST or NEWEST on."""
        ...

    async def read(self, shard: str, iterator: str) -> Piece:
        """The next records, each with its sequence number."""
        ...


class ShardReader:
    """Reads all shards of a stream."""

    def __init__(self, gateway: Gateway, stream: Stream) -> None:
        self._outlet = gateway.outlet
        self._checkpoints = gateway.checkpoints
        self._start = gateway.settings.aws_sources.start_at
        self._stream = stream
        self._prefix = f"{stream.name}/"
        #: Since when a shard with a checkpoint isn't kept any more.
        self._gone: dict[str, float] = {}

    async def run(self) -> None:
        """Until cancelled; raises SourceError."""
        reading: dict[str, asyncio.Task[None]] = {}
        try:
            await self._begin(await self._stream.shards())
            while True:
                shards = await self._stream.shards()
                await self._forget_all_but({shard.name for shard in shards})
                for shard in self._due(shards):
                    if shard not in reading:
                        reading[shard] = asyncio.create_task(self._read(shard))
                for task in await _some_done(reading.values()):
                    task.result()
                reading = {name: task for name, task in reading.items() if not task.done()}
        finally:
            for task in reading.values():
                task.cancel()
            await asyncio.gather(*reading.values(), return_exceptions=True)

    async def _begin(self, shards: Sequence[Shard]) -> None:
        """Note which shards are there at the very first time, if only what comes next is wanted.

        Those that come later are read from their beginning.
        """
        if self._start == NEWEST and not self._checkpoints.under(self._prefix):
            for shard in shards:
                await self._pass(shard.name, NEWEST)

    def _due(self, shards: Sequence[Shard]) -> list[str]:
        """Those that aren't read to their end, but their parents are."""
        known = {shard.name for shard in shards}
        return [
            shard.name
            for shard in shards
            if self._passed(shard.name) != ENDED
            and all(self._passed(name) == ENDED for name in known.intersection(shard.parents))
        ]

    async def _read(self, shard: str) -> None:
        at = self._passed(shard)
        iterator: str | None = await self._stream.iterator(shard, at)
        async with in_order(self._outlet) as put:
            while iterator is not None:
                try:
                    piece = await self._stream.read(shard, iterator)
                except AwsError as exc:
                    if exc.code != "ExpiredIteratorException":
                        raise
                    iterator = await self._stream.iterator(shard, at)
                    continue
                if piece.records:
                    at = piece.records[-1][0]
                    records = [record for _, record in piece.records]
                    await put(records, partial(self._pass, shard, at))
                iterator = piece.iterator
                await asyncio.sleep(PAUSE_SECONDS if piece.records else QUIET_SECONDS)
            await put([], partial(self._pass, shard, ENDED))
        log.info("Shard %s is read to its end", shard)

    def _passed(self, shard: str) -> str:
        """How far a shard is read."""
        return str(self._checkpoints.get(self._prefix + shard) or OLDEST)

    async def _pass(self, shard: str, at: str) -> None:
        await self._checkpoints.put(self._prefix + shard, at)

    async def _forget_all_but(self, kept: Collection[str]) -> None:
        """Shards come and go: no checkpoints for all that there ever were."""
        names = {name.removeprefix(self._prefix) for name in self._checkpoints.under(self._prefix)}
        now = time.monotonic()
        self._gone = {name: self._gone.get(name, now) for name in names.difference(kept)}
        for name, since in self._gone.items():
            if now - since > FORGET_SECONDS:
                await self._checkpoints.forget(self._prefix + name)


async def _some_done(tasks: Collection[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Those that have ended within LOOK_SECONDS."""
    if not tasks:
        await asyncio.sleep(LOOK_SECONDS)
        return set()
    done, _ = await asyncio.wait(
        set(tasks), timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    return done
