"""Records as columns: what a fetch brings, without an object for each record."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from streams.core.value_table import ValueTable
from streams.core.windows import NO_TIME


class TP(NamedTuple):
    """One partition of a topic; equal to Faust's and aiokafka's own tuples for it."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


#: One record: offset, timestamp (ms), value. Plain, for there are many.
Row = tuple[int, int, bytes | None]

#: One record with its key: offset, timestamp (ms), key, value.
KeyedRow = tuple[int, int, bytes | None, bytes | None]


class Columns(Protocol):
    """The records of one Kafka record batch, made only as far as they are asked for."""

    @property
    def high(self) -> int:
        """The highest timestamp (ms)."""

    def count_into(self, table: ValueTable, since: int) -> bool:
        """Count all values if no record is older than `since` (ms); returns whether that is so."""

    def values_since(self, timestamp: int) -> list[bytes | None]:
        """The values of the records stamped with this time (ms) or a later one."""

    def rows(self) -> Iterable[Row]:
        """All records, in the order of their offsets."""

    def keyed_rows(self) -> Iterable[KeyedRow]:
        """The same with their keys."""

    def __len__(self) -> int: ...


class Rows(list[Row]):
    """Columns of records in memory: for tests, and for what doesn't come from Kafka.

    Without `keys` no record has one.
    """

    def __init__(
        self, rows: Iterable[Row] = (), keys: Iterable[bytes | None] | None = None
    ) -> None:
        super().__init__(rows)
        self._keys = [None] * len(self) if keys is None else list(keys)

    @property
    def high(self) -> int:
        return max((timestamp for _, timestamp, _ in self), default=NO_TIME)

    def count_into(self, table: ValueTable, since: int) -> bool:
        values = self.values_since(since)
        if len(values) < len(self):
            return False
        table.update(values)
        return True

    def values_since(self, timestamp: int) -> list[bytes | None]:
        return [value for _, at, value in self if at >= timestamp]

    def rows(self) -> Iterable[Row]:
        return self

    def keyed_rows(self) -> Iterable[KeyedRow]:
        return (
            (offset, timestamp, key, value)
            for (offset, timestamp, value), key in zip(self, self._keys, strict=True)
        )


@dataclass(slots=True)
class Chunk:
    """What one fetch brought of one partition: all records in [from_offset, next_offset).

    `next_offset` also passes over what is not for readers: aborted transactions, markers and
    offsets that compaction has removed. `batches` may be such that it can be read only once.
    """

    tp: TP
    from_offset: int
    next_offset: int
    batches: Iterable[Columns] = ()
