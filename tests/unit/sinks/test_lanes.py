"""Of each key one result at a time, in order; nothing is left behind."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from streams.sinks.appsync.formats import REQUEST_BYTES, Item
from streams.sinks.appsync.lanes import Lanes
from tests.unit.sinks.results import result


def item(offset: int, key: bytes | None, group: str = "", size: int = 1) -> Item:
    return Item(result(offset, key=key), None, size, group)


def offsets(items: list[Item]) -> list[int]:
    return [i.result.offset for i in items]


def test_a_key_waits_for_its_previous_result() -> None:
    lanes = Lanes()
    items = [item(0, b"a"), item(1, b"a"), item(2, b"b"), item(3, None), item(4, None)]
    for i in items:
        lanes.add(i)
    assert offsets(lanes.take(10)) == [0, 2, 3, 4]
    assert lanes.take(10) == []
    lanes.done(items[0])
    assert offsets(lanes.take(10)) == [1]


def test_a_request_is_bounded() -> None:
    lanes = Lanes()
    for n in range(5):
        lanes.add(item(n, None, size=REQUEST_BYTES // 2))
    assert offsets(lanes.take(10)) == [0, 1]
    assert offsets(lanes.take(1)) == [2]
    lanes.add(item(9, None, size=2 * REQUEST_BYTES))
    assert offsets(lanes.take(10)) == [3, 4]
    assert offsets(lanes.take(10)) == [9]


def test_groups_take_turns() -> None:
    lanes = Lanes()
    for n in range(6):
        lanes.add(item(n, None, group="ab"[n % 2]))
    assert [offsets(lanes.take(2)) for _ in range(4)] == [[0, 2], [1, 3], [4], [5]]


@given(st.lists(st.sampled_from([b"a", b"b", b"c", None])), st.integers(1, 4), st.integers())
def test_all_come_in_the_order_of_their_keys(
    keys: list[bytes | None], most: int, seed: int
) -> None:
    random = Random(seed)
    lanes, taken, flying = Lanes(), list[Item](), list[Item]()
    waiting = [item(n, key) for n, key in enumerate(keys)]
    while len(taken) < len(keys):
        if waiting and random.random() < 0.5:
            lanes.add(waiting.pop(0))
        elif flying and random.random() < 0.5:
            lanes.done(flying.pop())
        else:
            more = lanes.take(most)
            taken += more
            flying += more
            busy = [f.result.key for f in flying if f.result.key is not None]
            assert len(busy) == len(set(busy))
    for key in (b"a", b"b", b"c"):
        of_key = [n for n, k in enumerate(keys) if k == key]
        assert [i.result.offset for i in taken if i.result.key == key] == of_key
