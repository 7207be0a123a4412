"""Java's length and trim."""

import pytest

from streams.core.text import longer_than_one, trim


@pytest.mark.parametrize(
    ("text", "longer"),
    [
        ("", False),
        ("a", False),
        ("é", False),
        ("\uffff", False),
        ("aa", True),
        ("😀", True),  # two UTF-16 units
        ("e\u0301", True),
        ("  ", True),  # the length is that before trimming
    ],
)
def test_length_is_counted_in_utf_16_units(text: str, longer: bool) -> None:
    assert longer_than_one(text) is longer
    assert longer_than_one(text) == (len(text.encode("utf-16-le")) > 2)


@pytest.mark.parametrize(
    ("text", "trimmed"),
    [
        (" a b ", "a b"),
        ("\x00\t\r\n\x1f a\x20", "a"),
        ("\u00a0a\u3000", "\u00a0a\u3000"),  # spaces, but beyond U+0020
        ("\x7fa\x85", "\x7fa\x85"),
        (" \t ", ""),
    ],
)
def test_trim_removes_what_is_up_to_the_space(text: str, trimmed: str) -> None:
    assert trim(text) == trimmed
