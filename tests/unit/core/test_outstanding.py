"""How far may be committed: never past anything that is not settled."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from streams.core.outstanding import Outstanding


def test_nothing_is_handed_out() -> None:
    outstanding = Outstanding(7)
    assert (outstanding.lowest, len(outstanding)) == (7, 0)
    outstanding.pass_to(12)  # markers only
    assert outstanding.lowest == 12
    assert not outstanding.settle(7)


def test_an_offset_is_settled_once() -> None:
    outstanding = Outstanding(0)
    outstanding.add(3)
    assert 3 in outstanding
    assert outstanding.settle(3)
    assert not outstanding.settle(3)
    assert outstanding.lowest == outstanding.end == 4


@given(st.lists(st.tuples(st.integers(1, 4), st.booleans())), st.integers())
def test_the_lowest_is_the_first_that_is_not_settled(
    steps: list[tuple[int, bool]], seed: int
) -> None:
    random = Random(seed)
    outstanding, open_, position = Outstanding(0), set[int](), 0
    for gap, settles in steps:
        if settles and open_:
            offset = random.choice(sorted(open_))
            open_.remove(offset)
            assert outstanding.settle(offset)
        else:
            offset = position + gap - 1
            position = offset + 1
            open_.add(offset)
            outstanding.add(offset)
        assert outstanding.lowest == min(open_, default=position)
        assert len(outstanding) == len(open_)
