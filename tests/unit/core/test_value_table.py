"""Tables of values: the compiled one does as the one in Python does, whatever the bytes."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from streams.core.value_table import COMPILED, PythonTable, ValueTable, new_table

compiled = pytest.mark.skipif(not COMPILED, reason="installed without a C compiler")

#: Short ones, of which many are the same, and some that are longer than is kept in place.
VALUES = st.one_of(
    st.none(), st.binary(max_size=2), st.binary(min_size=18, max_size=22), st.binary(max_size=300)
)
FIRST_RECORD_AT = 61
T0 = 1_700_000_000_000


@pytest.fixture(params=[PythonTable, pytest.param(new_table, marks=compiled)])
def make(request: pytest.FixtureRequest) -> Callable[[], ValueTable]:
    kind: Callable[[], ValueTable] = request.param
    return kind


def test_an_empty_table(make: Callable[[], ValueTable]) -> None:
    table = make()
    assert (len(table), table.counts(), table.newest(3)) == (0, [], [])


def test_values_are_counted_in_the_order_in_which_they_came(
    make: Callable[[], ValueTable],
) -> None:
    table = make()
    table.update([b"b", b"a", None, b"b", b""])
    assert table.add(b"c")
    assert not table.add(None)
    assert table.newest(9) == [b"b", b"a", None, b"", b"c"]
    assert table.newest(2) == [b"", b"c"]
    assert table.counts() == [2, 1, 2, 1, 1]


def test_forgotten_values_are_new_when_they_come_again(make: Callable[[], ValueTable]) -> None:
    table = make()
    table.update([b"old", b"x", b"y" * 30, b"z", None])
    table.forget([b"x", None, b"never seen"])
    assert table.newest(9) == [b"old", b"y" * 30, b"z"]
    table.update([b"z", b"x"])
    assert table.newest(1) == [b"x"]
    assert table.counts() == [1, 1, 2, 1]


#: What happens to a table: values are counted, and some of the newest forgotten.
STEPS = st.lists(st.tuples(st.lists(VALUES, max_size=40), st.integers(0, 5)), max_size=12)


@compiled
@given(STEPS)
def test_the_compiled_table_does_as_the_other(steps: list[tuple[list[bytes | None], int]]) -> None:
    ours, model = new_table(), PythonTable()
    for values, forgotten in steps:
        before = len(model)
        for table in (ours, model):
            table.update(values)
        gone = model.newest(len(model) - before)[:forgotten]
        for table in (ours, model):
            table.forget(gone)
        assert len(ours) == len(model)
        assert ours.newest(len(ours)) == model.newest(len(model))
        assert ours.counts() == model.counts()


@compiled
def test_many_values() -> None:
    rng = random.Random(3)
    values = [b"%d" % rng.randrange(50_000) * rng.randrange(1, 9) for _ in range(200_000)]
    table = new_table()
    table.update(values)
    assert dict(zip(table.newest(len(table)), table.counts(), strict=True)) == Counter(values)


@compiled
def test_values_that_always_come_and_are_forgotten_take_no_room() -> None:
    table = new_table()
    table.update([b"stays"])
    for n in range(20_000):
        table.update([b"dropped %d" % n, b"dropped"])
        table.forget([b"dropped %d" % n, b"dropped"])
    assert (table.newest(9), table.counts()) == ([b"stays"], [1])


#: Timestamp, key, value, headers.
RECORDS = st.lists(
    st.tuples(
        st.integers(T0 - 300, T0 + 300),
        st.one_of(st.none(), st.binary(max_size=200)),
        VALUES,
        st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=3),
    ),
    min_size=1,
    max_size=30,
)


def batch_of(records: list[Any]) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, 0, 0, 0, 0, 10**6)
    for i, (timestamp, key, value, headers) in enumerate(records):
        # aiokafka wants one of them at least.
        builder.append(i, timestamp, b"" if value is None else key, value, headers)
    return bytes(builder.build())


def count(data: bytes, records: int, since: int, cut: int = 0) -> tuple[bool, Any]:
    table: Any = new_table()
    first = DefaultRecordBatch(data).first_timestamp
    counted = table.count_records(data, FIRST_RECORD_AT, len(data) - cut, records, first, since)
    return counted, table


@compiled
@given(RECORDS, st.integers(T0 - 301, T0 + 301))
def test_records_are_counted_where_they_lie(records: list[Any], since: int) -> None:
    data = batch_of(records)
    counted, table = count(data, len(records), since)
    assert counted == all(timestamp >= since for timestamp, *_ in records)
    expected = PythonTable()
    if counted:
        expected.update(record.value for record in DefaultRecordBatch(data))
    assert table.newest(99) == expected.newest(99)
    assert table.counts() == expected.counts()


def damaged(rng: random.Random) -> Iterator[bytes]:
    """Batches with some bytes changed, none of them in the header."""
    for _ in range(3000):
        size = rng.randrange(1, 12)
        records: list[Any] = [(T0, None, rng.randbytes(rng.randrange(40)), []) for _ in range(size)]
        data = bytearray(batch_of(records))
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(FIRST_RECORD_AT, len(data))] = rng.choice([0, 1, 127, 128, 255])
        yield bytes(data)


@compiled
def test_damaged_records_do_no_harm() -> None:
    outcomes: Counter[str] = Counter()
    for data in damaged(random.Random(5)):
        for records in (1, 5, 12):
            try:
                count(data, records, T0 - 10**6)
            except ValueError:
                outcomes["refused"] += 1
            else:
                outcomes["counted"] += 1
    assert outcomes["refused"] > 1000
    assert outcomes["counted"] > 100


@compiled
def test_records_that_are_cut_short_or_too_many_are_refused() -> None:
    data = batch_of([(T0, None, b"value", []), (T0, b"key", b"other", [])])
    for cut in range(1, len(data) - FIRST_RECORD_AT):
        with pytest.raises(ValueError, match="damaged"):
            count(data, 2, 0, cut)
    for records in (1, 3):
        with pytest.raises(ValueError, match="damaged"):
            count(data, records, 0)
    table: Any = new_table()
    with pytest.raises(ValueError, match="damaged"):
        table.count_records(data, 0, len(data) + 1, 2, 0, 0)
