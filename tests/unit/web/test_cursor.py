"""Cursors: what was encoded is decoded; whatever wasn't is refused, by one error."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns import TP
from streams.errors import CursorError
from streams.web.live.cursor import MAX_LENGTH, MAX_OFFSET, Positions, decode

TOPICS = ["one", "two.a", "Three_3"]
OFFSETS = st.integers(0, MAX_OFFSET)


@st.composite
def vectors(draw: st.DrawFn) -> dict[TP, int]:
    topics = draw(st.lists(st.sampled_from(TOPICS), min_size=1, unique=True))
    return {
        TP(topic, partition): draw(OFFSETS)
        for topic in topics
        for partition in range(draw(st.integers(1, 5)))
    }


@given(vectors())
def test_a_cursor_says_the_positions(vector: dict[TP, int]) -> None:
    assert decode(Positions(vector).base(), TOPICS) == vector


@given(vectors(), st.data(), OFFSETS)
def test_a_message_s_cursor_differs_in_its_partition_only(
    vector: dict[TP, int], data: st.DataObject, offset: int
) -> None:
    tp = data.draw(st.sampled_from(sorted(vector)))
    positions = Positions(vector)
    text = f"{positions.prefix(tp)}{offset}"
    assert decode(text, TOPICS) == {**vector, tp: offset}
    positions.move(tp, offset)
    assert decode(positions.base(), TOPICS) == {**vector, tp: offset}


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,60}(\.[0-9]+\.[0-9]+)?"))
def test_anything_else_is_refused_by_one_error(text: str) -> None:
    try:
        decoded = decode(text, TOPICS)
    except CursorError:
        return
    assert all(tp.topic in TOPICS and 0 <= at <= MAX_OFFSET for tp, at in decoded.items())


@given(vectors(), st.data())
def test_no_flipped_character_gives_offsets_out_of_range(
    vector: dict[TP, int], data: st.DataObject
) -> None:
    text = Positions(vector).base()
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii"))
    try:
        decoded = decode(text[:at] + other + text[at + 1 :], TOPICS)
    except CursorError:
        return
    assert all(tp.topic in TOPICS and 0 <= offset <= MAX_OFFSET for tp, offset in decoded.items())


GOOD = Positions({TP("one", 0): 5, TP("one", 1): 6}).base()
HUGE_COUNT = base64.urlsafe_b64encode(b"\x01" + b"\xfe\xff\xff\xff" + b"\xff" * 9).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!",
        f"{GOOD}.2.5",
        f"{GOOD}.0.-1",
        f"{GOOD}.0",
        f"{GOOD}.0.{MAX_OFFSET + 1}",
        f"{GOOD}.0.5.0.5",
        f"{GOOD[:-2]}",
        f"{GOOD}\n",
        "A" * (MAX_LENGTH + 1),
        HUGE_COUNT,
        Positions({TP("unknown", 0): 5}).base(),
    ],
)
def test_forged_cursors_are_refused(text: str) -> None:
    with pytest.raises(CursorError):
        decode(text, TOPICS)


def test_many_partitions_fit() -> None:
    vector = {TP("one", p): 10**9 + p for p in range(256)}
    positions = Positions(vector)
    assert len(positions.prefix(TP("one", 255))) < MAX_LENGTH / 4
    assert decode(positions.base(), TOPICS) == vector
