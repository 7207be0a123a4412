"""A Kafka record batch as columns, made only as far as they are asked for."""

import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from aiokafka import codec
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatch

from streams.core.columns import Columns, KeyedRow, Row, Rows
from streams.core.value_table import PythonTable, ValueTable
from streams.errors import TaskRetriedError

# Of a batch's header: its length without the first twelve bytes, and how many records it has.
_LENGTH = struct.Struct(">i")
_LENGTH_AT, _BEFORE_LENGTH = 8, 12
_MAGIC_AT, _RECORDS_AT, _FIRST_RECORD_AT = 16, 57, 61
#: Older than any timestamp.
_ANY_TIME = -(2**63)
#: The format that all brokers have written since 0.11.
MAGIC = 2

_DECODERS: dict[int, Callable[[bytes], bytes]] = {
    DefaultRecordBatch.CODEC_GZIP: codec.gzip_decode,
    DefaultRecordBatch.CODEC_SNAPPY: codec.snappy_decode,
    DefaultRecordBatch.CODEC_LZ4: codec.lz4_decode,
    DefaultRecordBatch.CODEC_ZSTD: codec.zstd_decode,
}


class RawBatch(NamedTuple):
    """A batch as aiokafka read its header, and where it lies in what was fetched."""

    header: Any
    data: bytes
    begin: int
    end: int

    @classmethod
    def at(cls, header: Any, data: bytes, begin: int) -> "RawBatch":
        """The batch that begins there."""
        (length,) = _LENGTH.unpack_from(data, begin + _LENGTH_AT)
        return cls(header, data, begin, begin + _BEFORE_LENGTH + length)


def columns_of(raw: RawBatch, from_offset: int) -> Columns:
    """The columns of a batch, without its records below `from_offset`.

    They raise TaskRetriedError if the batch can't be decoded.
    """
    if raw.header.base_offset < from_offset or raw.data[raw.begin + _MAGIC_AT] != MAGIC:
        # The fetch begins within this batch, or it is of a kind that is found no more.
        kept = [row for row in _keyed(raw.header) if row[0] >= from_offset]
        return Rows(((at, time, value) for at, time, _, value in kept), (row[2] for row in kept))
    return BatchColumns(raw)


class BatchColumns:
    """See `Columns`. The records of a whole batch, decoded anew for each call."""

    __slots__ = ("_raw", "_records", "high")

    def __init__(self, raw: RawBatch) -> None:
        self._raw = raw
        self._records: int = _LENGTH.unpack_from(raw.data, raw.begin + _RECORDS_AT)[0]
        self.high: int = raw.header.max_timestamp

    def count_into(self, table: ValueTable, since: int) -> bool:
        if not isinstance(table, PythonTable):
            return self._count_compiled(table, since)
        values = self.values_since(since)
        if len(values) < len(self):
            return False
        table.update(values)
        return True

    def _count_compiled(self, table: Any, since: int) -> bool:
        header, data, begin, end = self._raw
        begin += _FIRST_RECORD_AT
        if header.compression_type:
            data = _DECODERS[header.compression_type](data[begin:end])
            begin, end = 0, len(data)
        if header.timestamp_type:  # the broker's clock, the same for the whole batch
            if self.high < since:
                return False
            since = _ANY_TIME
        first = header.first_timestamp
        try:
            counted: bool = table.count_records(data, begin, end, self._records, first, since)
        except ValueError as exc:
            raise TaskRetriedError(f"a record batch can't be decoded: {exc}") from exc
        return counted

    def values_since(self, timestamp: int) -> list[bytes | None]:
        try:
            return [r.value for r in self._decoded() if r.timestamp >= timestamp]
        except KafkaError as exc:
            raise TaskRetriedError(f"a record batch can't be decoded: {exc!r}") from exc

    def rows(self) -> Iterator[Row]:
        return ((at, time, value) for at, time, _, value in _keyed(self._decoded()))

    def keyed_rows(self) -> Iterator[KeyedRow]:
        return _keyed(self._decoded())

    def _decoded(self) -> Any:
        # A new one each time: aiokafka's batches can be iterated once.
        return DefaultRecordBatch(self._raw.data[self._raw.begin : self._raw.end])

    def __len__(self) -> int:
        return self._records


def _keyed(records: Any) -> Iterator[KeyedRow]:
    try:
        for record in records:
            yield record.offset, record.timestamp, record.key, record.value
    except KafkaError as exc:
        raise TaskRetriedError(f"a record batch can't be decoded: {exc!r}") from exc
