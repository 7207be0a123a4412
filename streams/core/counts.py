"""Counting, the aggregation of the main job: done by the column, since there are so many."""

import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from streams.core.aggregation import VERSION, Aggregation, Place
from streams.errors import StoreError

_COUNT = struct.Struct(">BQ")


@lru_cache(maxsize=10_000)
def encode_count(count: int) -> bytes:
    """A count's bytes. Most counts are small, and each is encoded for the log and for the disk."""
    return _COUNT.pack(VERSION, count)


def decode_count(data: bytes) -> int:
    """The inverse of `encode_count`; raises StoreError for another version."""
    if len(data) != _COUNT.size or data[0] != VERSION:
        raise StoreError("a count of an unknown version", "Use the release that wrote it")
    return int(_COUNT.unpack(data)[1])


class Counting(Aggregation[int]):
    """How many records there are. See `SourceCounter` for what takes the place of `add`."""

    name = "count"
    size = _COUNT.size
    zero = 0
    # As they are, without a call in between: they run once for each key and commit.
    encode = staticmethod(encode_count)
    decode = staticmethod(decode_count)

    def add(self, accumulator: int, value: Any, place: Place) -> int:  # noqa: ARG002
        return accumulator + 1

    def merge(self, one: int, other: int) -> int:
        return one + other

    def emit(self, accumulator: int) -> int:
        return accumulator

    def merge_into(
        self, known: dict[bytes, int], keys: Sequence[bytes], more: Sequence[int]
    ) -> None:
        for key, n in zip(keys, more, strict=True):
            known[key] = known.get(key, 0) + n

    def merged(self, known: Mapping[bytes, int], more: Mapping[bytes, int]) -> dict[bytes, int]:
        return {key: known.get(key, 0) + n for key, n in more.items()}

    @property
    def packed_size(self) -> int:
        return 4

    def pack(self, accumulators: Iterable[int]) -> bytes:
        return array("I", accumulators).tobytes()

    def unpack(self, data: bytes) -> list[int]:
        counts = array("I")
        counts.frombytes(data)
        return counts.tolist()


COUNTING = Counting()
