"""What the ticker job reads in a record, and what it rejects."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.aggregating import Event
from streams.core.iso_time import show_iso
from streams.core.selection import Rejected
from streams.jobs.quotes import quote

GOOD: dict[str, Any] = {"event_time": "2026-01-02T15:04:05.678Z", "ticker": "INTC", "price": 50.5}
AT = 1_767_366_245_678


def value(**other: Any) -> dict[str, Any]:
    return GOOD | other


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-02T15:04:05.678Z",
        "2026-01-02T15:04:05.678",
        "2026-01-02 15:04:05.678999",
        "2026-01-02T16:04:05.678+01:00",
        "20260102T150405.678Z",
    ],
)
def test_a_time_without_a_zone_is_utc_and_parts_of_a_ms_are_cut(written: str) -> None:
    assert quote(value(event_time=written)) == Event(b"INTC", AT, 50.5)


def test_a_whole_price_and_other_fields_are_fine() -> None:
    assert quote(value(price=51, more=[1])) == Event(b"INTC", AT, 51.0)
    assert quote(value(ticker="Ö€")) == Event("Ö€".encode(), AT, 50.5)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([], "value is no object"),
        (None, "value is no object"),
        ({}, "ticker is no symbol"),
        (value(ticker=""), "ticker is no symbol"),
        (value(ticker=5), "ticker is no symbol"),
        (value(ticker="\ud800"), "ticker is no symbol"),
        (value(price="51"), "price is no number"),
        (value(price=True), "price is no number"),
        (value(price=None), "price is no number"),
        (value(price=float("nan")), "price is not finite"),
        (value(price=float("inf")), "price is not finite"),
        (value(price=10**400), "price is not finite"),
        (value(price=Decimal("sNaN")), "price is not finite"),
        (value(event_time="noon"), "event_time is no ISO 8601 time"),
        (value(event_time=5), "event_time is no ISO 8601 time"),
        (value(event_time=None), "event_time is no ISO 8601 time"),
        (value(event_time="1969-12-31T23:59:59.999Z"), "event_time is before 1970"),
        (value(event_time="0001-01-01T00:00:00+23:59"), "event_time is before 1970"),
    ],
)
def test_what_is_malformed_is_rejected(fields: Any, reason: str) -> None:
    assert quote(fields) == Rejected(reason)


@given(st.integers(0, 253_402_300_799_999))
def test_times_come_back(ms: int) -> None:
    assert quote(value(event_time=show_iso(ms))) == Event(b"INTC", ms, 50.5)


def test_what_avro_may_have_instead() -> None:
    moment = datetime(2026, 1, 2, 15, 4, 5, 678_999)
    for given_ in (moment, moment.replace(tzinfo=UTC)):
        assert quote(value(event_time=given_, price=Decimal("50.5"))) == Event(b"INTC", AT, 50.5)


_anything = st.none() | st.booleans() | st.floats() | st.integers() | st.decimals() | st.text()


@given(st.fixed_dictionaries({name: _anything | st.datetimes() for name in GOOD}) | _anything)
def test_nothing_makes_it_fail(fields: Any) -> None:
    quote(fields)
