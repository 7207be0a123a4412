"""Partial counts: what stage one tells stage two through the repartition topic.

A partial holds the counts of one stretch [from, to) of one source partition for the keys of one
repartition partition, with the source's watermark. A stretch too large for one record is cut into
several; all but the last are marked as having a successor and carry no watermark, for a watermark
may only count once all counts before it have arrived.

Layout, little-endian: version u8, more u8, source u32, from i64, to i64, watermark i64, windows
u32; then for each window: start i64, keys u32, length of the key text u32, counts u32 each, and
the keys joined by 0xFF, a byte that UTF-8 never uses.
"""

import struct
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.core.windows import NO_TIME

VERSION = 1
#: Bytes of counts and keys that one record carries at most.
MAX_BYTES = 256 * 1024
#: `from` of a source's first partial to a partition: nothing came before.
NOTHING_SENT = -1

_SEPARATOR = b"\xff"
_HEADER = struct.Struct("<BBIqqqI")
_WINDOW = struct.Struct("<qII")


class KeyCounts(NamedTuple):
    """How often keys came: counts[i] belongs to keys[i]. A key may stand more than once."""

    keys: list[bytes]
    counts: list[int]


WindowCounts = tuple[int, list[bytes], list[int]]


@dataclass(slots=True)
class Partial:
    """Counts of source partition `source` between two of its offsets; see the module."""

    source: int
    from_offset: int
    to_offset: int
    watermark: int
    more: bool = False
    windows: list[WindowCounts] = field(default_factory=list)

    def encode(self) -> bytes:
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
        for start, keys, counts in self.windows:
            text = _SEPARATOR.join(keys)
            parts += _WINDOW.pack(start, len(keys), len(text)), array("I", counts).tobytes(), text
        return b"".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> "Partial":
        """Read `encode`'s bytes; raises ValueError for another version or a damaged value."""
        if not data or data[0] != VERSION:
            raise ValueError("a partial count of an unknown version")
        try:
            _, more, source, from_offset, to_offset, watermark, n = _HEADER.unpack_from(data)
            windows = list(_windows(data, n))
        except (struct.error, ValueError) as exc:
            raise ValueError(f"a damaged partial count: {exc}") from exc
        return cls(source, from_offset, to_offset, watermark, bool(more), windows)


def _windows(data: bytes, n: int) -> Iterator[WindowCounts]:
    at = _HEADER.size
    for _ in range(n):
        start, keys, length = _WINDOW.unpack_from(data, at)
        at += _WINDOW.size
        counts = array("I")
        counts.frombytes(data[at : at + 4 * keys])
        at += 4 * keys
        names = data[at : at + length].split(_SEPARATOR)
        at += length
        if len(names) != len(counts) or at > len(data):
            raise ValueError("keys and counts differ in number")
        yield start, names, counts.tolist()


def cut(
    source: int,
    from_offset: int,
    to_offset: int,
    watermark: int,
    counts: Mapping[int, KeyCounts],
    max_bytes: int = MAX_BYTES,
) -> list[Partial]:
    """Partials for one partition's `counts[window start]`; at least one, even if empty."""
    partials = [Partial(source, from_offset, to_offset, NO_TIME)]
    room = max_bytes
    for window in sorted(counts):
        for piece, size in _pieces(counts[window], max_bytes):
            if size > room:
                partials.append(Partial(source, from_offset, to_offset, NO_TIME))
                room = max_bytes
            partials[-1].windows.append((window, *piece))
            room -= size
    for partial in partials[:-1]:
        partial.more = True
    partials[-1].watermark = watermark
    return partials


def _size(counts: KeyCounts) -> int:
    return sum(map(len, counts.keys)) + 5 * len(counts.keys) + _WINDOW.size


def _pieces(counts: KeyCounts, max_bytes: int) -> Iterator[tuple[KeyCounts, int]]:
    """`counts` in pieces of at most `max_bytes` each, with the bytes they take."""
    size = _size(counts)
    if size <= max_bytes:
        yield counts, size
        return
    # By the longest key, so that no piece is too large whatever the order of keys.
    step = max(1, max_bytes // (max(map(len, counts.keys)) + 5 + _WINDOW.size))
    for at in range(0, len(counts.keys), step):
        piece = KeyCounts(counts.keys[at : at + step], counts.counts[at : at + step])
        yield piece, _size(piece)
