"""From a record's value to its key."""

import pytest

from streams.core import selection
from streams.core.selection import Keyed, Rejected, Selector, Step
from streams.core.text import longer_than_one, trim

STEPS = (Step(longer_than_one, True), Step(str.lower, False), Step(trim, False))


def selector(max_bytes: int = 20) -> Selector:
    """The main job's; a key's partition is its length."""
    return Selector(STEPS, len, max_bytes)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (b"Hello", b"hello"),
        (b" Aa\x1f", b"aa"),
        (b"  ", b""),  # long enough before it is trimmed
        ("ÄÖ".encode(), "äö".encode()),
        ("İ!".encode(), "i̇!".encode()),  # a capital whose small form is two characters
        ("😀".encode(), "😀".encode()),
    ],
)
def test_steps_apply_in_their_order(value: bytes, key: bytes) -> None:
    assert selector()(value) == Keyed(len(key), key)


@pytest.mark.parametrize("value", [b"", b"x", b" ", "é".encode()])
def test_a_filter_drops(value: bytes) -> None:
    assert selector()(value) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null value"),
        (b"\xff", "value is not UTF-8"),
        (b"ok\xc3", "value is not UTF-8"),
        (b"x" * 21, "value longer than 20 bytes"),
        (b"\xff" * 21, "value longer than 20 bytes"),
    ],
)
def test_what_can_not_be_read_is_rejected(value: bytes | None, reason: str) -> None:
    assert selector()(value) == Rejected(reason)


def test_a_value_of_the_greatest_length_is_taken() -> None:
    assert selector()(b"x" * 20) == Keyed(20, b"x" * 20)


def test_each_distinct_value_is_worked_out_once() -> None:
    seen: list[str] = []

    def note(text: str) -> str:
        seen.append(text)
        return text

    select = Selector((Step(note, False),), len, 100)
    assert [select(b"aa"), select(b"bb"), select(b"aa")] == [(2, b"aa"), (2, b"bb"), (2, b"aa")]
    assert seen == ["aa", "bb"]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "REMEMBERED", 10)
    select = selector()
    for i in range(100):
        assert select(b"tag%d" % i) is not None
        assert len(select.known) <= 10
