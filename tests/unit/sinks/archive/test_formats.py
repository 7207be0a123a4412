"""Objects: what they hold, and that they are the same whatever pieces they are made of."""

import gzip
import io
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.sinks.archive import parquet, spill
from streams.sinks.archive.columns import Column
from streams.sinks.archive.formats import Format
from streams.sinks.archive.json_lines import JsonLines
from streams.sinks.archive.parquet import Parquet
from streams.sinks.archive.spill import Spill

COLUMNS = [Column("price", "double"), Column("ticker", "string")]
FORMATS: list[Format] = [JsonLines(is_text=False), JsonLines(is_text=True), Parquet(COLUMNS)]


def rows_of(format_: Format, n: int) -> list[Any]:
    return [
        format_.row(3, i, i * 1000, b"k%d" % (i % 7), b'{"n": %d}' % i, (i / 4, f"t{i % 5}"))
        for i in range(n)
    ]


def written(format_: Format, pieces: Sequence[bytes]) -> bytes:
    file = io.BytesIO()
    format_.write(iter(pieces), file)
    return file.getvalue()


@pytest.mark.parametrize("format_", FORMATS, ids=["json", "text", "parquet"])
@given(cuts=st.sets(st.integers(1, 1_999), max_size=20))
@settings(max_examples=20, deadline=None)
def test_pieces_do_not_show(format_: Format, cuts: set[int]) -> None:
    # Row groups end in the midst of pieces.
    parquet.GROUP_ROWS = 300
    try:
        rows = rows_of(format_, 2_000)
        bounds = [0, *sorted(cuts), len(rows)]
        pieces = [format_.pack(rows[a:b]) for a, b in itertools.pairwise(bounds)]
        assert written(format_, pieces) == written(format_, [format_.pack(rows)])
    finally:
        parquet.GROUP_ROWS = 100_000


def test_json_lines() -> None:
    format_ = JsonLines(is_text=False)
    value = '{\n "ä": [1,\r\n 2], "b": "a\\nb"}'.encode()
    made = [
        format_.row(0, 5, -1, None, value, ()),
        format_.row(0, 6, 7, 'ä"'.encode(), b"1.50", ()),
        format_.row(0, 7, 7, b"\xff\x00", b"null", ()),
    ]
    data = written(format_, [format_.pack(made)])
    assert data[:10] == bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3)), "no time, no name"
    lines = gzip.decompress(data).decode().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"partition": 0, "offset": 5, "timestamp": -1, "key": None, "value": json.loads(value)},
        {"partition": 0, "offset": 6, "timestamp": 7, "key": 'ä"', "value": 1.5},
        {"partition": 0, "offset": 7, "timestamp": 7, "key_base64": "/wA=", "value": None},
    ]
    assert '"value":1.50}' in lines[1], "values stay as they were"


def test_text_lines() -> None:
    format_ = JsonLines(is_text=True)
    made = [format_.row(0, 0, 0, b"", 'a"\n\u2028\x00ä'.encode(), ())]
    (line,) = gzip.decompress(written(format_, [format_.pack(made)])).split(b"\n")[:-1]
    assert json.loads(line)["value"] == 'a"\n\u2028\x00ä'


def test_parquet() -> None:
    format_ = Parquet(COLUMNS)
    rows = [*rows_of(format_, 3), format_.row(3, 9, 5, None, "ä".encode(), (None, None))]
    table = pq.read_table(io.BytesIO(written(format_, [format_.pack(rows)])))
    assert str(table.schema).splitlines() == [
        "partition: int32",
        "offset: int64",
        "timestamp: timestamp[ms, tz=UTC]",
        "key: binary",
        "value: string",
        "price: double",
        "ticker: string",
    ]
    assert table["offset"].to_pylist() == [0, 1, 2, 9]
    assert table["key"].to_pylist() == [b"k0", b"k1", b"k2", None]
    assert table["value"].to_pylist() == ['{"n": 0}', '{"n": 1}', '{"n": 2}', "ä"]
    assert table["price"].to_pylist() == [0, 0.25, 0.5, None]
    assert table["ticker"].to_pylist() == ["t0", "t1", "t2", None]


def test_row_groups_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_BYTES", 1_000)
    format_ = Parquet([])
    rows = [format_.row(0, n, 0, None, b"x" * 300, ()) for n in range(10)]
    file = pq.ParquetFile(io.BytesIO(written(format_, [format_.pack(rows)])))
    groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert groups == [4, 4, 2]


@pytest.mark.parametrize("format_", FORMATS, ids=["json", "text", "parquet"])
def test_spilled_rows_come_back_in_order(
    format_: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def filled() -> Spill:
        made = Spill(tmp_path, format_)
        for n, row in enumerate(rows_of(format_, 1_000)):
            made.add(f"p{n % 3}", row, 10)
        return made

    in_memory = filled()
    monkeypatch.setattr(spill, "BUFFER_BYTES", 5_000)
    spilled = filled()
    assert not list(tmp_path.iterdir()), "the file has no name"
    assert sorted(spilled.paths) == ["p0", "p1", "p2"]
    for path in spilled.paths:
        pieces = list(spilled.pieces(path))
        assert len(pieces) > 10
        assert written(format_, pieces) == written(format_, list(in_memory.pieces(path)))
