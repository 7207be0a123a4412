"""Records as columns: what a fetch brings, without an object for each record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class TP(NamedTuple):
    """One partition of a topic; equal to Faust's and aiokafka's own tuples for it."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


@dataclass(slots=True)
class Columns:
    """One Kafka record batch: values[i] and timestamps[i] (ms) belong to offsets[i]."""

    values: list[bytes | None]
    timestamps: list[int]
    offsets: Sequence[int]


@dataclass(slots=True)
class Chunk:
    """What one fetch brought of one partition: all records in [from_offset, next_offset).

    `next_offset` also passes over what is not for readers: aborted transactions, markers and
    offsets that compaction has removed.
    """

    tp: TP
    from_offset: int
    next_offset: int
    batches: list[Columns] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(len(columns.values) for columns in self.batches)
