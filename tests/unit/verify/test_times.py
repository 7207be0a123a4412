"""Times are read and shown as ISO 8601."""

import pytest

from streams.verify.times import FOREVER, TimeRange, parse, show


@pytest.mark.parametrize(
    ("typed", "ms"),
    [
        ("0", 0),
        ("1600000000123", 1_600_000_000_123),
        ("2020-09-13T12:26:40Z", 1_600_000_000_000),
        ("2020-09-13T12:26:40", 1_600_000_000_000),
        ("2020-09-13T14:26:40.123+02:00", 1_600_000_000_123),
        ("2020-09-13", 1_599_955_200_000),
    ],
)
def test_times_are_read(typed: str, ms: int) -> None:
    assert parse(typed) == ms
    assert parse(show(ms)) == ms


@pytest.mark.parametrize("typed", ["", "-1", "yesterday", "1969-12-31T23:59:59Z", "9" * 20])
def test_others_are_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"19|iso|time"):
        parse(typed)


def test_times_beyond_the_calendar_are_shown() -> None:
    assert show(FOREVER) == str(FOREVER)


def test_a_range_holds_whole_windows() -> None:
    within = TimeRange(25, 80)
    assert [start for start in range(0, 100, 20) if within.holds(start, 20)] == [40, 60]
    assert TimeRange().holds(0, 20)
