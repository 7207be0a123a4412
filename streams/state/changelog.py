"""Records of a changelog partition: accumulators, tombstones, and one record of bookkeeping.

    window start (i64 big-endian) + key (UTF-8)  ->  accumulator (a count: version u8 + u64)
    b"bookkeeping"                               ->  version u8 + JSON, see `Bookkeeping`

Accumulators are absolute, so reading a record twice does no harm. The bookkeeping is the last
record of every transaction: what it says holds for all records before it.
"""

import json
import struct
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from streams.core.partials import NOTHING_SENT
from streams.core.windows import NO_TIME
from streams.errors import StoreError

VERSION = 1
#: Never an accumulator's key: window starts are >= 0, so the first byte of those is below 0x80.
BOOKKEEPING_KEY = b"\xffbookkeeping"

_WINDOW = struct.Struct(">q")
#: Length of what precedes the key in an accumulator's key.
WINDOW_BYTES = _WINDOW.size


class WindowKey(NamedTuple):
    """What an accumulator belongs to: the start of its window (ms) and its key (UTF-8)."""

    window: int
    key: bytes


def window_prefix(window: int) -> bytes:
    """What precedes every key of the window that starts at `window` (ms).

    So keys of one window are neighbours in byte order, and windows are in the order of time.
    """
    return _WINDOW.pack(window)


def decode_key(data: bytes) -> WindowKey:
    """The inverse of a window's prefix and a key."""
    return WindowKey(_WINDOW.unpack_from(data)[0], data[WINDOW_BYTES:])


@dataclass(slots=True)
class Bookkeeping:
    """What a partition's state stands for. Times in ms.

    incarnation   an id drawn when the changelog was begun; a disk with another one is foreign
    fingerprint   what the state depends on: window, grace, filter, partition counts
    position      next offset to read from the repartition topic
    to_offsets    per source partition, how far its partials have been merged
    watermarks    per source partition, its watermark
    closed_until  all windows that start before this have been closed and dropped
    closing_after while a large window is closed in chunks: the last key that was closed
    """

    incarnation: str = ""
    fingerprint: dict[str, int | str] = field(default_factory=dict)
    position: int = 0
    to_offsets: list[int] = field(default_factory=list)
    watermarks: list[int] = field(default_factory=list)
    closed_until: int = 0
    closing_after: bytes | None = None

    def encode(self) -> bytes:
        """The record's value."""
        values = asdict(self)
        if self.closing_after is not None:
            values["closing_after"] = self.closing_after.hex()
        return bytes([VERSION]) + json.dumps(values, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> "Bookkeeping":
        """The inverse of `encode`; raises StoreError for another version."""
        if not data or data[0] != VERSION:
            raise StoreError("bookkeeping of an unknown version", "Use the release that wrote it")
        values = json.loads(data[1:])
        if values["closing_after"] is not None:
            values["closing_after"] = bytes.fromhex(values["closing_after"])
        return cls(**values)

    @classmethod
    def begin(
        cls, incarnation: str, fingerprint: dict[str, int | str], sources: int
    ) -> "Bookkeeping":
        """The bookkeeping of a state that holds nothing yet."""
        return cls(
            incarnation,
            fingerprint,
            to_offsets=[NOTHING_SENT] * sources,
            watermarks=[NO_TIME] * sources,
        )
