"""Where a record lies, and what its value says."""

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import UndeliverableError
from streams.sinks.archive.paths import Paths
from streams.sinks.archive.values import parser

#: 2026-11-21T14:59:59.999Z
AT = 1_795_273_199_999


def test_fields_then_day_then_hour() -> None:
    paths = Paths(["ticker", "lot"], None, 100)
    assert paths.of(AT, {"ticker": "AAPL", "lot": 7}) == "ticker=AAPL/lot=7/dt=2026-11-21/hr=14/"
    assert (
        paths.of(AT + 1, {"ticker": "A", "lot": True}) == "ticker=A/lot=true/dt=2026-11-21/hr=15/"
    )


@given(st.text(min_size=1))
def test_any_text_is_one_folder_and_can_be_read_back(text: str) -> None:
    try:
        path = Paths(["f"], None, 10_000).of(0, {"f": text})
    except UndeliverableError:
        with pytest.raises(UnicodeEncodeError):
            text.encode()
        return
    folder, *times = path.split("/")
    assert times == ["dt=1970-01-01", "hr=00", ""]
    assert path.isascii()
    assert unquote(folder) == f"f={text}"


@pytest.mark.parametrize(
    ("found", "folder"),
    [
        ("2026-11-21T14:59:59.999Z", "dt=2026-11-21/hr=14/"),
        ("2026-11-21T14:59:59.999", "dt=2026-11-21/hr=14/"),
        ("2026-11-21T00:30:00+01:00", "dt=2026-11-20/hr=23/"),
        ("2026-11-21", "dt=2026-11-21/hr=00/"),
        ("1969-12-31T23:59:59Z", "dt=1969-12-31/hr=23/"),
        ("0001-01-01T00:00:00Z", "dt=0001-01-01/hr=00/"),
        (AT, "dt=2026-11-21/hr=14/"),
        (-1, "dt=1969-12-31/hr=23/"),
    ],
)
def test_event_times(found: object, folder: str) -> None:
    assert Paths([], "at", 100).of(0, {"at": found}) == folder


@pytest.mark.parametrize(
    ("paths", "timestamp", "fields", "reason"),
    [
        (Paths([], None, 100), -1, {}, "no timestamp"),
        (Paths([], "at", 100), 0, {}, "at is no time"),
        (Paths([], "at", 100), 0, {"at": 1.5}, "at is no time"),
        (Paths([], "at", 100), 0, {"at": True}, "at is no time"),
        (Paths([], "at", 100), 0, {"at": "noon"}, "at is no time"),
        (Paths([], "at", 100), 0, {"at": 2**60}, "year 9999"),
        (Paths([], "at", 100), 0, {"at": 10**400}, "year 9999"),
        (Paths([], "at", 100), 0, {"at": "0001-01-01T00:00:00+23:59"}, "year 1"),
        (Paths(["f"], None, 100), 0, {}, "f is neither"),
        (Paths(["f"], None, 100), 0, {"f": ""}, "f is neither"),
        (Paths(["f"], None, 100), 0, {"f": 1.5}, "f is neither"),
        (Paths(["f"], None, 100), 0, {"f": "\ud800"}, "f is no text"),
        (Paths(["f"], None, 100), 0, {"f": "x" * 100}, "123 bytes"),
    ],
)
def test_what_has_no_place(
    paths: Paths, timestamp: int, fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UndeliverableError, match=reason):
        paths.of(timestamp, fields)


def test_values() -> None:
    any_json = parser("json", needs_fields=False)
    for value in (b"1", b'"x"', b"[]", b"null", b" {} "):
        assert any_json(value) == {}
    objects = parser("json", needs_fields=True)
    assert objects(b'{"a": 1, "a": 2}\n') == {"a": 2}
    text = parser("text", needs_fields=False)
    assert text(b"anything") == {}
    for parse in (any_json, objects, text):
        for odd in (None, b"\xff"):
            with pytest.raises(UndeliverableError):
                parse(odd)
    for parse in (any_json, objects):
        for odd in (b"", b"{", b'{"a": NaN}', b"\xef\xbb\xbf{}", b'{"a": "\n"}', b"[" * 100_000):
            with pytest.raises(UndeliverableError, match="not JSON"):
                parse(odd)
    with pytest.raises(UndeliverableError, match="not a JSON object"):
        objects(b"[1]")
