"""Reading the shards of a stream, with a checkpoint for each: Kinesis and DynamoDB Streams.

A shard is read after its parents, so that changes of one key stay in their order. One process
reads a stream; a second one would publish everything again.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from producers.ingest.aws.calls import AwsError
from producers.ingest.gateway import Gateway
from producers.ingest.in_order import in_order
from producers.ingest.record import Record

log = logging.getLogger(__name__)

#: Seconds between reads of a shard that is read to its end; Kinesis allows five in a second.
PAUSE_SECONDS = 0.5
#: Seconds between looks for new shards.
LOOK_SECONDS = 10.0
#: Of a checkpoint: the shard is read to its end, and is closed.
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

    async def iterator(self, shard: str, after: str | None) -> str:
        """Where to read after a sequence number; from the start that was set if it is None."""
        ...

    async def read(self, shard: str, iterator: str) -> Piece:
        """The next records, each with its sequence number."""
        ...


class ShardReader:
    """Reads all shards of a stream."""

    def __init__(self, gateway: Gateway, stream: Stream) -> None:
        self._gateway = gateway
        self._stream = stream
        self._checkpoints = gateway.checkpoints

    async def run(self) -> None:
        """Until cancelled; raises SourceError."""
        reading: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                shards = await self._stream.shards()
                known = {shard.name for shard in shards}
                for shard in shards:
                    parents = [name for name in shard.parents if name in known]
                    is_due = all(self._has_ended(name) for name in parents)
                    if is_due and shard.name not in reading and not self._has_ended(shard.name):
                        reading[shard.name] = asyncio.create_task(self._read(shard.name))
                done, _ = await _some_done(reading.values())
                for task in done:
                    task.result()
                reading = {name: task for name, task in reading.items() if not task.done()}
        finally:
            for task in reading.values():
                task.cancel()
            await asyncio.gather(*reading.values(), return_exceptions=True)

    def _name(self, shard: str) -> str:
        return f"{self._stream.name}/{shard}"

    def _has_ended(self, shard: str) -> bool:
        return bool(self._checkpoints.get(self._name(shard)) == ENDED)

    async def _read(self, shard: str) -> None:
        after: str | None = self._checkpoints.get(self._name(shard))
        iterator: str | None = await self._stream.iterator(shard, after)
        async with in_order(self._gateway.outlet) as put:
            while iterator is not None:
                try:
                    piece = await self._stream.read(shard, iterator)
                except AwsError as exc:
                    if exc.code != "ExpiredIteratorException":
                        raise
                    iterator = await self._stream.iterator(shard, after)
                    continue
                if piece.records:
                    after = piece.records[-1][0]
                    records = [record for _, record in piece.records]
                    await put(records, self._checkpoint(shard, after))
                else:
                    await asyncio.sleep(PAUSE_SECONDS)
                iterator = piece.iterator
            await put([], self._checkpoint(shard, ENDED))
        log.info("Shard %s is read to its end", shard)

    def _checkpoint(self, shard: str, at: str) -> Any:
        async def write() -> None:
            await self._checkpoints.put(self._name(shard), at)

        return write


async def _some_done(tasks: Any) -> tuple[set[asyncio.Task[None]], set[asyncio.Task[None]]]:
    """Those that have ended within LOOK_SECONDS."""
    if not tasks:
        await asyncio.sleep(LOOK_SECONDS)
        return set(), set()
    return await asyncio.wait(set(tasks), timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
