"""Cursors: where a client stands in all topics, as a short text that means the same at any gateway.

    base . index . following

`base` is base64url of one version byte, then for each topic, in the order of their names: CRC-32
of the name (4 bytes, big-endian), number of partitions, next offset of each; numbers are LEB128.
`index` counts the partitions in that order, and `following` replaces that one's offset. So a cursor
differs from message to message in its end only, and the base is made once for many. The last two
may be left out. Differences instead of offsets, or compression, would save about a fifth: how far
partitions are apart is chance, and takes nearly as many bits.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping

from streams.core.columns import TP
from streams.errors import CursorError

VERSION = 1
#: Characters. 256 partitions of long logs take a quarter of it.
MAX_LENGTH = 8000
MAX_OFFSET = 2**63 - 1
MAX_PARTITIONS = 10_000

_TEXT = re.compile(r"([A-Za-z0-9_-]*)(?:\.([0-9]{1,5})\.([0-9]{1,19}))?")


class Positions(Mapping[TP, int]):
    """The next offset of each partition; keeps what its text is made of, so that it is cheap.

    A topic's partitions have to be all there, from 0 on, when the text is made.
    """

    def __init__(self, offsets: Mapping[TP, int]) -> None:
        self._offsets = dict(sorted(offsets.items()))
        self._encoded = {tp: _leb128(offset) for tp, offset in self._offsets.items()}
        self._index = {tp: i for i, tp in enumerate(self._offsets)}
        counts: dict[str, int] = {}
        for tp in self._offsets:
            counts[tp.topic] = counts.get(tp.topic, 0) + 1
        self._heads = {
            TP(topic, 0): checksum(topic).to_bytes(4, "big") + _leb128(count)
            for topic, count in counts.items()
        }

    def move(self, tp: TP, offset: int) -> None:
        """Set the next offset of a partition that is there."""
        self._offsets[tp] = offset
        self._encoded[tp] = _leb128(offset)

    def base(self) -> str:
        """The cursor of these positions; also the beginning of `prefix`."""
        parts = [bytes([VERSION])]
        for tp, encoded in self._encoded.items():
            if tp in self._heads:
                parts.append(self._heads[tp])
            parts.append(encoded)
        return base64.urlsafe_b64encode(b"".join(parts)).rstrip(b"=").decode()

    def prefix(self, tp: TP) -> str:
        """What a cursor begins with that differs in `tp` only: its offset comes next."""
        return f"{self.base()}.{self._index[tp]}."

    def __getitem__(self, tp: TP) -> int:
        return self._offsets[tp]

    def __iter__(self) -> Iterator[TP]:
        return iter(self._offsets)

    def __len__(self) -> int:
        return len(self._offsets)


def checksum(topic: str) -> int:
    """What stands for a topic's name in a cursor."""
    return zlib.crc32(topic.encode())


def decode(text: str, topics: Iterable[str]) -> dict[TP, int]:
    """The next offset of each partition that the cursor knows, all of them of `topics`.

    Raises CursorError for anything that isn't a cursor, or is one of other topics.
    """
    match = _TEXT.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        raise CursorError("The cursor is garbled")
    base, index, following = match.groups()
    names = {checksum(topic): topic for topic in topics}
    offsets = _decode_base(base, names)
    if index is not None:
        if int(index) >= len(offsets) or int(following) > MAX_OFFSET:
            raise CursorError("The cursor is garbled: no such partition or offset")
        offsets[list(offsets)[int(index)]] = int(following)
    return offsets


def _decode_base(base: str, names: Mapping[int, str]) -> dict[TP, int]:
    try:
        data = base64.b64decode(base + "=" * (-len(base) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise CursorError("The cursor is garbled") from None
    if not data or data[0] != VERSION:
        raise CursorError("The cursor is of another version")
    offsets: dict[TP, int] = {}
    at = 1
    seen: set[str] = set()
    while at < len(data):
        topic = names.get(int.from_bytes(data[at : at + 4], "big"))
        if topic is None or topic in seen:
            raise CursorError("The cursor belongs to other topics")
        seen.add(topic)
        count, at = _number(data, at + 4)
        if count > MAX_PARTITIONS:
            raise CursorError("The cursor is garbled: too many partitions")
        for partition in range(count):
            offsets[TP(topic, partition)], at = _number(data, at)
    return offsets


def _leb128(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that there are more."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if number > MAX_OFFSET:
                break
            return number, at
        shift += 7
    raise CursorError("The cursor is garbled")
