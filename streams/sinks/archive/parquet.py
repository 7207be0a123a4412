"""Parquet: a row a record, with its value as text, and columns for the fields that are asked for.

pyarrow comes with the extra `parquet`.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from streams.errors import StartError
from streams.sinks.archive.columns import Column

# Before the import: Arrow's own allocator keeps a hundred MB of what it has freed.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
except ImportError as exc:
    raise StartError(
        "STREAMS_ARCHIVE_FORMAT=parquet needs pyarrow",
        "Install it: pip install 'tally-streams[parquet]'",
    ) from exc

#: A row group ends with the row that makes it so long, in rows or in bytes of values.
GROUP_ROWS = 100_000
GROUP_BYTES = 2**25

_TYPES = {"string": pa.string(), "long": pa.int64(), "double": pa.float64(), "boolean": pa.bool_()}


class Parquet:
    """See `Format`."""

    suffix = "parquet"
    content_type = "application/vnd.apache.parquet"

    def __init__(self, columns: Sequence[Column]) -> None:
        self._schema = pa.schema(
            [
                ("partition", pa.int32()),
                ("offset", pa.int64()),
                ("timestamp", pa.timestamp("ms", "UTC")),
                ("key", pa.binary()),
                ("value", pa.string()),
                *((column.field, _TYPES[column.type]) for column in columns),
            ]
        )

    def row(
        self,
        partition: int,
        offset: int,
        timestamp: int,
        key: bytes | None,
        value: bytes,
        columns: tuple[Any, ...],
    ) -> tuple[Any, ...]:
        return (partition, offset, timestamp, key, value, *columns)

    def pack(self, rows: Sequence[tuple[Any, ...]]) -> bytes:
        arrays = [
            pa.array(column, field.type)
            for column, field in zip(zip(*rows, strict=True), self._schema, strict=True)
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        packed: bytes = batch.serialize().to_pybytes()
        return packed

    def write(self, pieces: Iterator[bytes], file: BinaryIO) -> None:
        batches = (pa.ipc.read_record_batch(pa.py_buffer(p), self._schema) for p in pieces)
        with pq.ParquetWriter(file, self._schema, compression="zstd") as writer:
            for group in _groups(batches):
                # In one piece, for where chunks end shows in the file.
                table = pa.Table.from_batches(group, self._schema).combine_chunks()
                writer.write_table(table, row_group_size=GROUP_ROWS)


def _groups(batches: Iterator[Any]) -> Iterator[list[Any]]:
    """The batches cut where row groups end: a matter of the rows alone."""
    group: list[Any] = []
    rows = size = 0
    for batch in batches:
        begin = 0
        for at, length in enumerate(pc.binary_length(batch.column("value")).to_pylist()):
            rows += 1
            size += length
            if rows == GROUP_ROWS or size >= GROUP_BYTES:
                yield [*group, batch.slice(begin, at + 1 - begin)]
                group, begin, rows, size = [], at + 1, 0, 0
        if begin < len(batch):
            group.append(batch.slice(begin))
    if group:
        yield group
