"""A worker's connection to the broker in memory: `Cluster` and `TransactionalProducer`.

Every call awaits a crash point before its effect and, where a lost answer would make a difference,
another one after it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from streams.core.columns import TP, Chunk, Rows
from streams.core.ports import Committed, Fields, LogRange, Member, Piece, Record
from streams.errors import OffsetLostError, TaskRetriedError
from streams.testing.broker import Broker
from streams.testing.crash import Point
from streams.testing.log import Found, PartitionLog

#: Records that one piece of `Client.read` holds: few, so that restores take several.
READ_RECORDS = 5


class Client:
    """See `Cluster` in core.ports."""

    def __init__(self, broker: Broker, point: Point) -> None:
        self._broker = broker
        self._point = point

    def producer(self, transactional_id: str) -> "Producer":
        return Producer(self._broker, self._point, transactional_id)

    async def committed(
        self, group: str, tps: Sequence[TP], *, stable: bool = True
    ) -> dict[TP, Committed]:
        await self._point("offset-fetch")
        return self._broker.group(group).committed(tps, stable)

    async def high_watermark(self, tp: TP) -> int:
        await self._point("high-watermark")
        return self._broker.log(tp).end

    async def log_range(self, tp: TP) -> LogRange:
        await self._point("log-range")
        log = self._broker.log(tp)
        return LogRange(log.start, log.stable_end)

    async def read(self, tp: TP, start: int, end: int) -> AsyncIterator[Piece]:
        while start < end:
            await self._point("read")
            piece = _piece(self._broker.log(tp), start, end)
            start = piece.following
            yield piece

    def follower(self) -> "Follower":
        return Follower(self._broker, self._point)

    async def delete_records(self, tp: TP, before: int) -> None:
        await self._point("delete-records")
        self._broker.log(tp).delete_before(before)
        await self._point("records-deleted")

    async def fetch(self, tp: TP, position: int, records: int, batches: int = 1) -> Chunk:
        """What a consumer's fetch brings: up to `records` records, in up to `batches` batches."""
        await self._point("fetch")
        log = self._broker.log(tp)
        if not log.start <= position <= log.end:
            # Not for good: a task that opens again looks for itself whether its offset is lost.
            raise TaskRetriedError(f"{tp}: {position} is outside of [{log.start}, {log.end})")
        found, following = log.committed(position, log.end, records)
        size = max(1, -(-len(found) // batches))
        pieces = [_rows(found[i : i + size]) for i in range(0, len(found), size)]
        return Chunk(tp, position, following, pieces)


def _rows(found: Sequence[Found]) -> Rows:
    return Rows(
        ((f.offset, f.record.timestamp, f.record.value) for f in found),
        (f.record.key for f in found),
    )


class StoredRecord(NamedTuple):
    """See `LogRecord` in core.ports."""

    offset: int
    key: bytes | None
    value: bytes | None


def _piece(log: PartitionLog, start: int, end: int) -> Piece:
    found, following = log.committed(start, end, READ_RECORDS)
    records = [StoredRecord(f.offset, f.record.key, f.record.value) for f in found]
    return Piece(iter(records), following, log.stable_end)


class Follower:
    """See `LogFollower` in core.ports."""

    def __init__(self, broker: Broker, point: Point) -> None:
        self._broker = broker
        self._point = point
        self._positions: dict[TP, int] = {}

    async def begin(self, tp: TP, offset: int) -> None:
        self._positions[tp] = offset

    async def next(self, tp: TP, seconds: float) -> Piece | None:  # noqa: ARG002
        await self._point("follow")
        log, position = self._broker.log(tp), self._positions[tp]
        if not log.start <= position <= log.end:
            raise OffsetLostError(f"{tp}: offset {position} is no longer in the log")
        if position >= log.stable_end:
            return None
        piece = _piece(log, position, log.stable_end)
        self._positions[tp] = piece.following
        return piece

    def leave(self, tp: TP) -> None:
        self._positions.pop(tp, None)

    async def close(self) -> None:
        self._positions.clear()


class Producer:
    """See `TransactionalProducer` in core.ports."""

    def __init__(self, broker: Broker, point: Point, transactional_id: str) -> None:
        self._broker = broker
        self._point = point
        self._id = transactional_id
        self._epoch = -1

    async def start(self) -> None:
        await self._point("init-producer-id")
        self._epoch = self._broker.coordinator.initialise(self._id)
        await self._point("producer-id-initialised")

    async def begin(self) -> None:
        await self._point("begin")

    async def send_offsets(self, offsets: Mapping[TP, Committed], member: Member) -> None:
        await self._point("send-offsets")
        transaction = self._broker.coordinator.transaction(self._id, self._epoch)
        self._broker.group(member.group).add(offsets, member, transaction)
        await self._point("offsets-sent")

    async def send(self, tp: TP, records: Sequence[Fields]) -> int:
        await self._point("produce")
        transaction = self._broker.coordinator.transaction(self._id, self._epoch)
        last = self._broker.log(tp).append([Record(*fields) for fields in records], transaction)
        await self._point("produced")
        return last

    async def commit(self) -> None:
        await self._end(commit=True)

    async def abort(self) -> None:
        await self._end(commit=False)

    async def _end(self, *, commit: bool) -> None:
        await self._point("end-txn")
        self._broker.coordinator.end(self._id, self._epoch, commit=commit)
        await self._point("txn-ended")

    async def close(self) -> None:
        await self._point("close-producer")
