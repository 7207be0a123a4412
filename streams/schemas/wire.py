"""How a value names its schema: the bytes before the Avro, as each kind of registry has them.

Confluent's: a zero byte, and the schema's id in four bytes, big-endian. Glue's: version 3, a byte
that tells the compression, and the schema version's UUID in 16 bytes.
"""

import struct
import uuid
import zlib
from typing import NamedTuple, Protocol

from streams.errors import MisfitError

#: A compressed value may come to so many bytes: no Kafka record is larger by default.
INFLATED_BYTES = 2**20

_CONFLUENT = struct.Struct(">bI")
_CONFLUENT_MAGIC = 0
_GLUE = struct.Struct(">BB16s")
_GLUE_VERSION = 3
_GLUE_PLAIN, _GLUE_ZLIB = 0, 5


class Header(NamedTuple):
    """What stands before a value: its schema's id in the registry, and whether it is compressed."""

    schema_id: str
    deflated: bool = False


class WireFormat(Protocol):
    """See the module; `size` is the number of bytes before the Avro."""

    size: int

    def parse(self, head: bytes) -> Header:
        """What the first `size` bytes say. Raises MisfitError."""

    def head(self, schema_id: str) -> bytes:
        """The bytes to be written before a value."""


class ConfluentWire:
    """See `WireFormat`. Ids are decimal numbers."""

    size = _CONFLUENT.size

    def parse(self, head: bytes) -> Header:
        if len(head) < self.size or head[0] != _CONFLUENT_MAGIC:
            raise MisfitError("value doesn't begin as a Confluent serialiser's: no schema id")
        _, number = _CONFLUENT.unpack(head)
        return Header(str(number))

    def head(self, schema_id: str) -> bytes:
        return _CONFLUENT.pack(_CONFLUENT_MAGIC, int(schema_id))


class GlueWire:
    """See `WireFormat`. Ids are UUIDs. What we write is not compressed: Kafka's batches are."""

    size = _GLUE.size

    def parse(self, head: bytes) -> Header:
        if len(head) < self.size or head[0] != _GLUE_VERSION:
            raise MisfitError("value doesn't begin as a Glue serialiser's: no schema version")
        _, compression, raw = _GLUE.unpack(head)
        if compression not in (_GLUE_PLAIN, _GLUE_ZLIB):
            raise MisfitError(f"value has Glue's compression {compression}, which is unknown")
        return Header(str(uuid.UUID(bytes=raw)), compression == _GLUE_ZLIB)

    def head(self, schema_id: str) -> bytes:
        return _GLUE.pack(_GLUE_VERSION, _GLUE_PLAIN, uuid.UUID(schema_id).bytes)


def inflate(deflated: bytes) -> bytes:
    """What zlib has compressed. Raises MisfitError, also if it is too long."""
    decompressor = zlib.decompressobj()
    try:
        inflated = decompressor.decompress(deflated, INFLATED_BYTES)
    except zlib.error:
        raise MisfitError("value can't be decompressed") from None
    if not decompressor.eof:
        raise MisfitError(
            f"value is cut short, or comes to more than {INFLATED_BYTES} bytes when decompressed"
        )
    if decompressor.unused_data:
        raise MisfitError("value goes on behind its compressed part")
    return inflated
