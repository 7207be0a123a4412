"""What a table keeps of a key's records in a window: the accumulators, and how they are summed up.

A table has one aggregation. Stage one adds records to accumulators, stage two merges those of all
sources, and a window's final result is what its accumulator emits. Records come in any order and
are grouped by chance, so `merge` has to be commutative and associative, `zero` neutral, and adding
a record the same as merging with what comes of it alone. Accumulators are never changed in place.

To write one: `name`, `size`, `zero`, `add`, `merge`, `encode`, `decode`, `emit`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

#: The first byte of every encoded accumulator.
VERSION = 1

A = TypeVar("A")


class Place(NamedTuple):
    """Where a record stands among all of its topic; times in ms since the epoch."""

    time: int
    partition: int
    offset: int


class Aggregation(ABC, Generic[A]):
    """See the module. `A` is the accumulators' type."""

    #: Stored accumulators depend on it: another one is refused.
    name: ClassVar[str]
    #: Bytes that `encode` makes, always as many.
    size: ClassVar[int]
    #: The accumulator of no records.
    zero: A

    @abstractmethod
    def add(self, accumulator: A, value: Any, place: Place) -> A:
        """With one more record; `value` is what the job has read it as."""

    @abstractmethod
    def merge(self, one: A, other: A) -> A:
        """Of the records of both."""

    @abstractmethod
    def encode(self, accumulator: A) -> bytes:
        """As it is logged and stored: `size` bytes, the first of which is VERSION."""

    @abstractmethod
    def decode(self, data: bytes) -> A:
        """The inverse of `encode`; raises StoreError for another version."""

    @abstractmethod
    def emit(self, accumulator: A) -> Any:
        """What a result tells of it."""

    # For many keys at once: what an aggregation may be quicker at.

    def merge_into(self, known: dict[bytes, A], keys: Sequence[bytes], more: Sequence[A]) -> None:
        """Merge accumulators into those of a window; a key may come more than once."""
        merge, zero = self.merge, self.zero
        for key, accumulator in zip(keys, more, strict=True):
            known[key] = merge(known.get(key, zero), accumulator)

    def merged(self, known: Mapping[bytes, A], more: Mapping[bytes, A]) -> dict[bytes, A]:
        """What the keys of `more` come to, together with what is known of them."""
        merge, zero = self.merge, self.zero
        return {key: merge(known.get(key, zero), value) for key, value in more.items()}

    #: Bytes that an accumulator takes in a partial.
    @property
    def packed_size(self) -> int:
        return self.size

    def pack(self, accumulators: Iterable[A]) -> bytes:
        """Accumulators as a partial holds them: `packed_size` bytes for each."""
        return b"".join(map(self.encode, accumulators))

    def unpack(self, data: bytes) -> list[A]:
        """The inverse of `pack`."""
        return [self.decode(data[at : at + self.size]) for at in range(0, len(data), self.size)]
