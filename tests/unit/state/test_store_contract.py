"""What every store does: in memory for tests, and RocksDB."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from streams.core.counts import COUNTING, encode_count
from streams.errors import StoreError
from streams.state.changelog import BOOKKEEPING_KEY, Bookkeeping, window_prefix
from streams.state.memory import Disk, MemoryStore
from streams.state.rocksdb import RocksStore
from streams.state.store import Changes, Contents, Replayed, Store, Stored

BOOKS = Bookkeeping.begin("an id", {"window_ms": 10}, 2)

NewStore = Callable[[], Store]


@pytest.fixture(params=["memory", "rocksdb"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> NewStore:
    """Makes stores of one disk."""
    if request.param == "memory":
        disk = Disk()
        return lambda: MemoryStore(disk, COUNTING)
    return lambda: RocksStore(tmp_path / "parent" / "store", COUNTING)


@pytest.fixture
async def store(new_store: NewStore) -> AsyncIterator[Store]:
    store = new_store()
    assert await store.open() is None
    yield store
    await store.close()


async def apply(store: Store, contents: Contents, position: int = 1, **changes: int) -> None:
    await store.apply(Changes(position, BOOKS, contents, **changes))


async def reopened(store: Store, new_store: NewStore) -> tuple[Store, Stored | None]:
    await store.close()
    again = new_store()
    return again, await again.open()


async def test_an_empty_store_holds_nothing(store: Store) -> None:
    assert await store.windows() == []
    assert await store.scan(0, None, 10) == []
    assert await store.read(0, [b"a"]) == [None]
    assert await store.read(0, []) == []


async def test_counts_are_read_back_in_the_order_asked_for(store: Store) -> None:
    await apply(store, {10: {b"a": 1, b"b": 2**63}, 20: {b"a": 3, b"": 4}})
    assert await store.read(10, [b"b", b"none", b"a", b""]) == [2**63, None, 1, None]
    assert await store.read(20, [b"", b"b", b"a"]) == [4, None, 3]
    assert await store.read(30, [b"a"]) == [None]


async def test_counts_are_replaced_and_deleted(store: Store) -> None:
    await apply(store, {10: {b"a": 1, b"b": 2}})
    await apply(store, {10: {b"a": 7, b"b": None, b"never": None}})
    assert await store.read(10, [b"a", b"b", b"never"]) == [7, None, None]


async def test_a_scan_goes_on_behind_a_key(store: Store) -> None:
    keys = [b"", b"a", b"a\x00", b"aa", b"b", "ä".encode(), "😀".encode()]
    await apply(store, {0: {b"x": 9}, 10: {key: i for i, key in enumerate(keys, 1)}, 20: {b"": 9}})
    everything = [(key, i) for i, key in enumerate(keys, 1)]
    assert await store.scan(10, None, 100) == everything
    for limit in (1, 2, 3):
        found: list[tuple[bytes, int]] = []
        while piece := await store.scan(10, found[-1][0] if found else None, limit):
            assert len(piece) <= limit
            found += piece
        assert found == everything
    assert await store.scan(10, b"aab", 1) == [(b"b", 5)]
    assert await store.scan(10, keys[-1], 5) == []
    assert await store.scan(15, None, 5) == []


async def test_windows_are_those_that_have_counts(store: Store) -> None:
    await apply(store, {300: {b"a": 1}, 20: {b"a": 1, b"b": 2}, 0: {b"": 1}, 40: {}})
    assert await store.windows() == [0, 20, 300]
    await apply(store, {20: {b"a": None}})
    assert await store.windows() == [0, 20, 300]
    await apply(store, {20: {b"b": None}})
    assert await store.windows() == [0, 300]


async def test_old_windows_are_dropped_whatever_a_step_says_of_them(store: Store) -> None:
    await apply(store, {0: {b"a": 1}, 10: {b"a": 1}, 20: {b"a": 1}})
    await apply(store, {10: {b"new": 5}, 20: {b"b": 2}, 30: {b"c": 3}}, drop_before=20)
    assert await store.windows() == [20, 30]
    assert await store.scan(20, None, 9) == [(b"a", 1), (b"b", 2)]
    await apply(store, {}, drop_before=0)
    assert await store.windows() == [20, 30]


async def test_a_store_outlives_its_closing(store: Store, new_store: NewStore) -> None:
    await apply(store, {10: {b"a": 1}}, position=41)
    await apply(store, {10: {b"b": 2}}, position=42)
    again, stored = await reopened(store, new_store)
    assert stored == Stored(42, BOOKS)
    assert await again.scan(10, None, 9) == [(b"a", 1), (b"b", 2)]
    await again.close()


async def test_a_step_without_bookkeeping_keeps_the_last(store: Store, new_store: NewStore) -> None:
    await store.apply(Changes(3))
    store, stored = await reopened(store, new_store)
    assert stored == Stored(3, None)
    await apply(store, {}, position=4)
    await store.apply(Changes(5))
    store, stored = await reopened(store, new_store)
    assert stored == Stored(5, BOOKS)
    await store.close()


async def test_a_wiped_store_is_empty_and_open(store: Store, new_store: NewStore) -> None:
    await apply(store, {10: {b"a": 1}})
    await store.wipe()
    assert await store.windows() == []
    await apply(store, {20: {b"b": 2}}, position=9)
    store, stored = await reopened(store, new_store)
    assert stored == Stored(9, BOOKS)
    assert await store.windows() == [20]
    await store.wipe()
    store, stored = await reopened(store, new_store)
    assert stored is None
    await store.close()


async def test_closing_twice_does_no_harm(store: Store) -> None:
    await store.close()
    await store.close()


class Logged(NamedTuple):
    """A changelog record."""

    offset: int
    key: bytes
    value: bytes | None


def count_at(offset: int, window: int, key: bytes, count: int | None) -> Logged:
    value = None if count is None else encode_count(count)
    return Logged(offset, window_prefix(window) + key, value)


def books_at(offset: int, closed_until: int = 0) -> Logged:
    books = replace(BOOKS, closed_until=closed_until)
    return Logged(offset, BOOKKEEPING_KEY, books.encode())


async def test_records_are_replayed_as_they_are(store: Store, new_store: NewStore) -> None:
    await apply(store, {10: {b"a": 1, b"b": 2}})
    records = [
        count_at(5, 10, b"a", 7),
        count_at(6, 10, b"b", None),
        count_at(7, 20, b"c", 3),
        books_at(9),
    ]
    assert await store.replay(iter(records)) == Replayed(4, BOOKS)
    assert await store.replay(iter([])) == Replayed(0, None)
    await store.settle()
    again, stored = await reopened(store, new_store)
    assert stored == Stored(10, BOOKS)
    assert await again.read(10, [b"a", b"b"]) == [7, None]
    assert await again.read(20, [b"c"]) == [3]
    await again.close()


async def test_a_replay_takes_many_steps(store: Store, new_store: NewStore) -> None:
    records = [count_at(i, 10, b"tag%d" % (i % 7000), i) for i in range(10_000)]
    assert await store.replay(iter(records)) == Replayed(10_000, None)
    again, stored = await reopened(store, new_store)
    assert stored == Stored(10_000, None)
    assert await again.read(10, [b"tag0", b"tag2999", b"tag3000"]) == [7000, 9999, 3000]
    await again.close()


async def test_a_replay_drops_the_windows_that_its_bookkeeping_closed(store: Store) -> None:
    await apply(store, {0: {b"old": 1}, 10: {b"old": 1}, 20: {b"a": 1}})
    await store.replay(iter([count_at(1, 10, b"new", 5), books_at(2, closed_until=20)]))
    assert await store.windows() == [20]
    await store.replay(iter([count_at(3, 30, b"b", 1), books_at(4, closed_until=20)]))
    await store.replay(iter([books_at(5, closed_until=30)]))
    assert await store.windows() == [30]
    await store.wipe()
    await store.replay(iter([count_at(1, 10, b"a", 5), books_at(2, closed_until=20)]))
    assert await store.windows() == []


@pytest.mark.parametrize("value", [b"", b"\2" + bytes(8), b"\1" + bytes(7), b"\1{}"])
async def test_a_replay_refuses_values_it_does_not_know(store: Store, value: bytes) -> None:
    with pytest.raises(StoreError, match="unknown version"):
        await store.replay(iter([Logged(1, window_prefix(10) + b"a", value)]))
