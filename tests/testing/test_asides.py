"""Records that are not counted: dead letters and late ones, kept with where they came from."""

from collections.abc import Iterator

import pytest

from streams.testing import TestDriver
from streams.testing.clock import BEGINNING
from tests.testing.hashtag_job import CLOSER, DEAD_LETTERS, INPUT, LATE, asides, finals, job

AHEAD = 3_600_000


@pytest.fixture
def driver() -> Iterator[TestDriver]:
    with TestDriver(job(min_mentioned=0, late_topic=LATE)) as driver:
        yield driver


@pytest.mark.parametrize(
    ("value", "timestamp", "reason"),
    [
        (None, 5, b"null value"),
        (b"\xff\xfe", 5, b"value is not UTF-8"),
        (b"\xed\xa0\x80", 5, b"value is not UTF-8"),  # half of a surrogate pair
        (b"x" * 4097, 5, b"value longer than 4096 bytes"),
        (b"x" * 100_000, 5, b"value longer than 4096 bytes"),
        (b"negative", -1, b"negative timestamp"),
        (b"future", BEGINNING + AHEAD + 1, b"timestamp too far ahead of the wall clock"),
    ],
)
@pytest.mark.parametrize("beside", [[], [(b"good", 0), (b"good", 7)]], ids=["alone", "beside"])
def test_a_dead_letter_tells_where_it_came_from(
    driver: TestDriver,
    value: bytes | None,
    timestamp: int,
    reason: bytes,
    beside: list[tuple[bytes, int]],
) -> None:
    for good in beside:
        driver.produce(INPUT, *good)
    driver.produce(INPUT, value, timestamp)
    if not beside:
        driver.run_until_idle()  # a batch of its own
    for good in beside:
        driver.produce(INPUT, *good)
    driver.produce(INPUT, *CLOSER)
    driver.run_until_idle()
    (letter,) = driver.read_output(DEAD_LETTERS)
    assert letter.value == (None if value is None else value[: 64 * 1024])
    assert letter.key == (b"" if value is None else None)
    assert letter.timestamp == driver.clock.now()
    assert letter.headers == {
        "reason": reason,
        "topic": INPUT.encode(),
        "partition": b"0",
        "offset": b"%d" % len(beside),
        "timestamp": b"%d" % timestamp,
    }
    assert finals(driver) == ({("good", 0): 4} if beside else {})
    assert driver.read_output(LATE) == []


def test_bounds_themselves_are_valid(driver: TestDriver) -> None:
    driver.produce(INPUT, b"zero", 0)
    driver.produce(INPUT, b"x" * 4096, 1)
    driver.run_until_idle()
    driver.produce(INPUT, b"ahead", BEGINNING + AHEAD)
    driver.run_until_idle()
    assert finals(driver) == {("zero", 0): 1, ("x" * 4096, 0): 1}
    assert driver.read_output(DEAD_LETTERS) == []


def test_what_the_filter_drops_is_no_dead_letter_and_moves_no_time(driver: TestDriver) -> None:
    for value in (b"", b"x", b" "):
        driver.produce(INPUT, value, CLOSER[1])
    driver.produce(INPUT, b"on time", 0)
    driver.run_until_idle()
    assert driver.read_output(DEAD_LETTERS) == []
    assert driver.read_output(LATE) == []


def test_late_records_are_kept_with_where_they_came_from(driver: TestDriver) -> None:
    driver.produce(INPUT, b"first", 20_000)
    driver.produce(INPUT, b"Late ", 19_999)
    driver.run_until_idle()
    (late,) = driver.read_output(LATE)
    assert (late.key, late.value, late.timestamp) == (None, b"Late ", driver.clock.now())
    assert late.headers == {
        "reason": b"late",
        "topic": INPUT.encode(),
        "partition": b"0",
        "offset": b"1",
        "timestamp": b"19999",
    }


def test_grace_decides_what_is_late() -> None:
    made = job(min_mentioned=0, grace_ms=5_000, late_topic=LATE)
    with TestDriver(made) as driver:
        for value, timestamp in [(b"aa", 0), (b"bb", 24_999), (b"aa", 1), (b"bb", 25_000)]:
            driver.produce(INPUT, value, timestamp)
        driver.produce(INPUT, b"aa", 2)
        driver.run_until_idle()
        assert finals(driver) == {("aa", 0): 2}
        assert asides(driver, LATE) == [(b"0", b"4", b"aa")]


def test_without_a_late_topic_late_records_are_only_left_out() -> None:
    with TestDriver(job(min_mentioned=0)) as driver:
        driver.produce(INPUT, b"first", 20_000)
        driver.produce(INPUT, b"late", 0)
        driver.produce(INPUT, *CLOSER)
        driver.run_until_idle()
        assert finals(driver) == {("first", 20_000): 1}
