"""The queues' law: in order, no more at a time than asked for, and the newest only if so wanted."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns import TP
from streams.web.live.messages import Item, Message, Piece, json_value
from streams.web.live.queues import Fifo, NewestOnly, Waiting

#: Bytes to take, or a message of that key (None: no result) with so many bytes.
TAKEN = st.integers(0, 40)
PUT = st.tuples(st.sampled_from([b"a", b"b", None]), st.integers(1, 20))


def message(key: bytes | None, size: int) -> Waiting:
    if key is None:
        return Item(b"x" * size)
    record = SimpleNamespace(key=key, value=b"1", offset=0, timestamp=0)
    made = Message(Piece(TP("t", 0), {}, "", json_value, 1), record)
    made.frame = key * size
    return made


@given(st.lists(TAKEN | PUT), st.booleans())
def test_what_is_taken_is_what_was_put(
    steps: list[int | tuple[bytes | None, int]], newest_only: bool
) -> None:
    queue = NewestOnly() if newest_only else Fifo()
    waiting: list[Waiting] = []
    for step in steps:
        if isinstance(step, int):
            taken = queue.take(step)
            assert taken == [item.frame for item in waiting[: len(taken)]]
            del waiting[: len(taken)]
            assert len(taken) == 1 or sum(map(len, taken)) <= step
            fits_not = not waiting or sum(map(len, taken)) + len(waiting[0].frame) > step
            assert fits_not, "as many as fit"
        else:
            item = message(*step)
            older = [one for one in waiting if newest_only and _key(one) == _key(item) is not None]
            waiting = [one for one in waiting if one not in older] + [item]
            assert queue.put(item) == bool(older)
        assert len(queue) == len(waiting)
        assert queue.size == sum(len(item.frame) for item in waiting)
    queue.clear()
    assert (len(queue), queue.size, queue.take(10)) == (0, 0, [])


def _key(item: Waiting) -> bytes | None:
    return item.key if isinstance(item, Message) else None
