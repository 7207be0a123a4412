"""Partials: what stage one tells stage two through the repartition topic.

A partial holds what one stretch [from, to) of one source partition came to, for the keys of one
repartition partition, with the source's watermark: counts, or whatever else a table keeps. A
stretch too large for one record is cut into several; all but the last are marked as having a
successor and carry no watermark, for a watermark may only count once all that precedes it has
arrived.

Layout, little-endian: version u8, more u8, source u32, from i64, to i64, watermark i64, windows
u32; then for each window: start i64, keys u32, length of the key text u32, the accumulators as
their aggregation packs them (counts: u32 each), and the keys joined by 0xFF, a byte that UTF-8
never uses.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from streams.core.aggregation import Aggregation
from streams.core.windows import NO_TIME
from streams.errors import StoreError

VERSION = 1
#: Bytes of accumulators and keys that one record carries at most.
MAX_BYTES = 256 * 1024
#: `from` of a source's first partial to a partition: nothing came before.
NOTHING_SENT = -1

T = TypeVar("T")

_SEPARATOR = b"\xff"
_HEADER = struct.Struct("<BBIqqqI")
_WINDOW = struct.Struct("<qII")


class KeyValues(NamedTuple, Generic[T]):
    """What keys came to: values[i] belongs to keys[i]. A key may stand more than once."""

    keys: list[bytes]
    values: list[T]


#: Start (ms), keys, and what each of them came to.
Window = tuple[int, list[bytes], list[Any]]


@dataclass(slots=True)
class Partial:
    """What came of source partition `source` between two of its offsets; see the module."""

    source: int
    from_offset: int
    to_offset: int
    watermark: int
    more: bool = False
    windows: list[Window] = field(default_factory=list)

    def encode(self, aggregation: Aggregation[Any]) -> bytes:
        """The value of one record of the repartition topic."""
        parts = [
            _HEADER.pack(
                VERSION,
                self.more,
                self.source,
                self.from_offset,
                self.to_offset,
                self.watermark,
                len(self.windows),
            )
        ]
        for start, keys, values in self.windows:
            text = _SEPARATOR.join(keys)
            parts += _WINDOW.pack(start, len(keys), len(text)), aggregation.pack(values), text
        return b"".join(parts)

    @classmethod
    def decode(cls, data: bytes, aggregation: Aggregation[Any]) -> "Partial":
        """Read `encode`'s bytes; raises ValueError for another version or a damaged value."""
        if not data or data[0] != VERSION:
            raise ValueError("a partial of an unknown version")
        try:
            _, more, source, from_offset, to_offset, watermark, n = _HEADER.unpack_from(data)
            windows = list(_windows(data, n, aggregation))
        except (struct.error, ValueError, StoreError) as exc:
            raise ValueError(f"a damaged partial: {exc}") from exc
        return cls(source, from_offset, to_offset, watermark, bool(more), windows)


def _windows(data: bytes, n: int, aggregation: Aggregation[Any]) -> Iterator[Window]:
    at, size = _HEADER.size, aggregation.packed_size
    for _ in range(n):
        start, keys, length = _WINDOW.unpack_from(data, at)
        at += _WINDOW.size
        values = aggregation.unpack(data[at : at + size * keys])
        at += size * keys
        names = data[at : at + length].split(_SEPARATOR)
        at += length
        if len(names) != len(values) or at > len(data):
            raise ValueError("keys and accumulators differ in number")
        yield start, names, values


def cut(
    source: int,
    from_offset: int,
    to_offset: int,
    watermark: int,
    windows: Mapping[int, KeyValues[Any]],
    value_bytes: int,
    max_bytes: int = MAX_BYTES,
) -> list[Partial]:
    """Partials for one partition's `windows[window start]`; at least one, even if empty.

    `value_bytes` is the aggregation's `packed_size`.
    """
    partials = [Partial(source, from_offset, to_offset, NO_TIME)]
    room = max_bytes
    for window in sorted(windows):
        for piece, size in _pieces(windows[window], value_bytes + 1, max_bytes):
            if size > room:
                partials.append(Partial(source, from_offset, to_offset, NO_TIME))
                room = max_bytes
            partials[-1].windows.append((window, *piece))
            room -= size
    for partial in partials[:-1]:
        partial.more = True
    partials[-1].watermark = watermark
    return partials


def _pieces(values: KeyValues[T], each: int, max_bytes: int) -> Iterator[tuple[KeyValues[T], int]]:
    """`values` in pieces of at most `max_bytes` each, with the bytes they take.

    `each` is what a key takes beside its own bytes: an accumulator and a separator.
    """
    size = _size(values, each)
    if size <= max_bytes:
        yield values, size
        return
    # By the longest key, so that no piece is too large whatever the order of keys.
    step = max(1, max_bytes // (max(map(len, values.keys)) + each + _WINDOW.size))
    for at in range(0, len(values.keys), step):
        piece = KeyValues(values.keys[at : at + step], values.values[at : at + step])
        yield piece, _size(piece, each)


def _size(values: KeyValues[T], each: int) -> int:
    return sum(map(len, values.keys)) + each * len(values.keys) + _WINDOW.size
