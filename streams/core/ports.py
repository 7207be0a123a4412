"""What tasks ask of a Kafka cluster; a real one or the test driver's answers.

Every method may raise FencedError, TransactionError or ClusterAccessError, and waits no longer
than the client's request timeout.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from streams.core.columns import TP

Headers = tuple[tuple[str, bytes], ...]


#: A record to be written, as a plain tuple: key, value, timestamp (ms since the epoch), headers.
#: Transactions hold tens of thousands; making a `Record` of each takes four times as long.
Fields = tuple[bytes | None, bytes | None, int, Headers]


class Record(NamedTuple):
    """The same with names; `timestamp` in ms since the epoch. No value: a tombstone."""

    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: Headers = ()


class LogRecord(Protocol):
    """A record of a log that is restored from. What a cluster hands out may hold more."""

    @property
    def offset(self) -> int: ...

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...


class Piece(NamedTuple):
    """A stretch of a log, as it was fetched.

    records    may be iterated once, in any thread, and may be decoded only then
    following  the offset to go on from
    end        where the log ends for read_committed, as the fetch told
    """

    records: Iterator[LogRecord]
    following: int
    end: int


class Committed(NamedTuple):
    """A committed offset (the next one to read) and the text committed with it."""

    offset: int
    metadata: str


class LogRange(NamedTuple):
    """Offsets of a partition: the first that is still there, and the end for read_committed."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Member:
    """Who we are in the consumer group; captured when the partition was assigned.

    Offsets are committed in this name, so the broker refuses them once the group has moved on
    (KIP-447). Never taken anew at commit time: a client that was expelled forgets its generation,
    and the broker would accept that.
    """

    group: str
    generation: int
    member_id: str
    instance_id: str | None = None


class TransactionalProducer(Protocol):
    """One task's producer. After any error it must be closed, and nothing else."""

    async def start(self) -> None:
        """InitProducerId: fences every older owner of the id and ends its transaction."""

    async def begin(self) -> None:
        """Begin a transaction."""

    async def send_offsets(self, offsets: Mapping[TP, Committed], member: Member) -> None:
        """Commit offsets as part of the transaction."""

    async def send(self, tp: TP, records: Sequence[Fields]) -> int:
        """Write records; returns the last one's offset once all are acknowledged."""

    async def commit(self) -> None:
        """Commit the transaction."""

    async def abort(self) -> None:
        """Abort the transaction."""

    async def close(self) -> None:
        """Let go of all connections, within a bounded time; leaves a transaction as it is."""


class Cluster(Protocol):
    """A Kafka cluster as tasks see it; everything is read committed."""

    def producer(self, transactional_id: str) -> TransactionalProducer:
        """A producer that has not been started."""

    async def committed(
        self, group: str, tps: Sequence[TP], *, stable: bool = True
    ) -> dict[TP, Committed]:
        """The group's committed offsets; partitions without one are left out.

        `stable` waits for transactions that are about to change them. A dead worker's is open until
        its id is fenced, or the broker gives it up.
        """

    async def high_watermark(self, tp: TP) -> int:
        """The end of a partition, what is not committed included; asked of the broker now."""

    async def log_range(self, tp: TP) -> LogRange:
        """Where a partition's log begins and ends now."""

    def read(self, tp: TP, start: int, end: int) -> AsyncIterator[Piece]:
        """Read [start, end) in pieces, as fast as it goes."""

    def follower(self) -> "LogFollower":
        """A reader of several logs that goes on at their ends; not connected yet."""

    async def delete_records(self, tp: TP, before: int) -> None:
        """Delete all records of a partition below an offset."""


class LogFollower(Protocol):
    """Reads logs on and on, read committed, all over one connection to each broker."""

    async def begin(self, tp: TP, offset: int) -> None:
        """Read a partition from `offset` on, from now on."""

    async def next(self, tp: TP, seconds: float) -> Piece | None:
        """The next piece of a partition; None if none has come by then.

        Raises OffsetLostError if the log doesn't hold the offset to go on from.
        """

    def leave(self, tp: TP) -> None:
        """Read a partition no longer. Does nothing if it isn't read."""

    async def close(self) -> None:
        """Let go of all connections."""


class Clock(Protocol):
    """The wall clock, in ms since the epoch."""

    def now(self) -> int:
        """The current time."""
