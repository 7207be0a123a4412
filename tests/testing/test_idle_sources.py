"""A source without records stops holding windows back; records older than that are late."""

from collections.abc import Iterator

import pytest

from streams.core.columns import TP
from streams.core.ports import Record
from streams.testing import TestDriver
from tests.testing.hashtag_job import INPUT, LATE, asides, finals, job

IDLE = 60_000
WINDOW = 20_000


@pytest.fixture
def driver() -> Iterator[TestDriver]:
    made = job(min_mentioned=0, window_idle_ms=IDLE, late_topic=LATE)
    with TestDriver(made, partitions={INPUT: 2}) as driver:
        driver.run_until_idle()  # idleness counts from when a task has opened
        yield driver


def now_window(driver: TestDriver) -> int:
    """The start of the window that holds the clock's time."""
    return driver.clock.now() // WINDOW * WINDOW


def test_the_last_windows_close_once_all_sources_are_idle(driver: TestDriver) -> None:
    start = now_window(driver)
    driver.produce(INPUT, "last", start, partition=0)
    driver.run_until_idle()
    driver.advance_time(IDLE)
    driver.run_until_idle()
    assert finals(driver) == {}  # stream time is now the record's own window
    driver.advance_time(WINDOW)
    driver.run_until_idle()
    assert finals(driver) == {("last", start): 1}


def test_an_idle_source_does_not_hold_back_the_others(driver: TestDriver) -> None:
    start = now_window(driver)
    driver.advance_time(IDLE + WINDOW)
    driver.produce(INPUT, "first", start, partition=0)
    driver.produce(INPUT, "later", start + WINDOW, partition=0)
    driver.run_until_idle()
    # Partition 1 is idle, and as late as `start + WINDOW`.
    assert finals(driver) == {("first", start): 1}


def test_an_idle_source_takes_older_records_for_late(driver: TestDriver) -> None:
    start = now_window(driver)
    driver.advance_time(IDLE + WINDOW)
    driver.run_until_idle()
    driver.produce(INPUT, "on time", start + WINDOW, partition=1)
    driver.produce(INPUT, "late", start + WINDOW - 1, partition=1)
    driver.run_until_idle()
    assert asides(driver, LATE) == [(b"1", b"1", b"late")]


def test_idleness_survives_a_restart(driver: TestDriver) -> None:
    start = now_window(driver)
    driver.advance_time(IDLE + WINDOW)
    driver.run_until_idle()
    driver.crash_worker(0)
    driver.restart_worker(0, disk="empty")
    driver.produce(INPUT, "late", start, partition=1)
    driver.run_until_idle()
    assert asides(driver, LATE) == [(b"1", b"0", b"late")]


def test_a_source_that_lags_is_not_idle(driver: TestDriver) -> None:
    """Records are there, but can't be read yet: a transaction is open on them."""
    start = now_window(driver)
    coordinator = driver.broker.coordinator
    epoch = coordinator.initialise("a slow producer")
    for partition in (0, 1):
        driver.broker.log(TP(INPUT, partition)).append(
            [Record(None, b"slow", start)], coordinator.transaction("a slow producer", epoch)
        )
    driver.advance_time(10 * IDLE)
    driver.run_until_idle()
    coordinator.end("a slow producer", epoch, commit=True)
    driver.run_until_idle()
    assert asides(driver, LATE) == []
    # From here on it is idle, for the position is behind the transaction's marker.
    driver.advance_time(IDLE)
    driver.run_until_idle()
    assert finals(driver) == {("slow", start): 2}


def test_a_source_is_only_idle_for_as_long_as_nothing_comes(driver: TestDriver) -> None:
    start = now_window(driver)
    for _ in range(10):
        driver.advance_time(IDLE - 1)
        driver.produce(INPUT, "on time", start, partition=0)
        driver.run_until_idle()
    assert asides(driver, LATE) == []


def test_a_clock_that_is_set_back_lowers_nothing(driver: TestDriver) -> None:
    start = now_window(driver)
    driver.produce(INPUT, "before", start, partition=0)
    driver.produce(INPUT, "before", start, partition=1)
    driver.advance_time(IDLE + WINDOW)
    driver.run_until_idle()
    driver.advance_time(-20 * IDLE)
    driver.run_until_idle()
    driver.produce(INPUT, "after", start + 2 * WINDOW, partition=0)
    driver.produce(INPUT, "after", start + 2 * WINDOW, partition=1)
    driver.run_until_idle()
    assert finals(driver) == {("before", start): 2}


def test_a_timeout_of_zero_waits_for_ever() -> None:
    with TestDriver(job(min_mentioned=0, window_idle_ms=0)) as driver:
        driver.produce(INPUT, "last", 0)
        driver.run_until_idle()
        driver.advance_time(10**10)
        driver.run_until_idle()
        assert finals(driver) == {}
