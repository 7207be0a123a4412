"""Every await is a place to die at: whatever happens there, the finals are the same, once each."""

import itertools
from collections.abc import Callable
from random import Random

import pytest

from streams.errors import TransactionError
from streams.testing import TestDriver
from tests import reference
from tests.testing.hashtag_job import (
    CLOSER,
    DEAD_LETTERS,
    INPUT,
    LATE,
    PARTIALS,
    asides,
    feed,
    finals,
    job,
)
from tests.testing.inputs import Row

# One transaction closes two keys, so that windows with more are closed in chunks.
JOB = job(window_ms=1000, min_mentioned=0, close_chunk=2, late_topic=LATE)
Recovery = Callable[[TestDriver, int], None]

PARTITIONS = {INPUT: 2, PARTIALS: 2}

EARLIER: list[list[Row]] = [
    [(b"aa", 0), (b"bb", 10), (b"cc", 20), (b"dd", 30), (b"ee", 900), (None, 950), (b"aa", 1100)],
    [(b"aa", 500), (b"ff", 600), (b"bb", 1200), (b"gg", 700), (b"aa", 1300)],
]
LATER: list[list[Row]] = [
    [(b"late", 999), (b"bb", 1150), (b"aa", 2100), CLOSER],
    [(b"hh", 1400), (b"\xff\xff", 1500), (b"cc", 2050), CLOSER],
]
ALL = [earlier + later for earlier, later in zip(EARLIER, LATER, strict=True)]
FINALS = reference.finals(ALL, 1000, 0, 0)
ASIDES = {
    DEAD_LETTERS: [(b"0", b"5", None), (b"1", b"6", b"\xff\xff")],
    LATE: [(b"0", b"7", b"late"), (b"1", b"3", b"gg")],
}


def new_driver() -> TestDriver:
    """Two workers, small fetches, and an order that is the same in each run."""
    return TestDriver(JOB, partitions=PARTITIONS, workers=2, fetch_records=3, random=Random(7))


def restart_on_same_disk(driver: TestDriver, dead: int) -> None:
    driver.restart_worker(dead)


def restart_on_empty_disk(driver: TestDriver, dead: int) -> None:
    driver.restart_worker(dead, disk="empty")


def move_away(driver: TestDriver, dead: int) -> None:
    driver.move_tasks(dead, 1 - dead)


def move_away_and_back(driver: TestDriver, dead: int) -> None:
    driver.move_tasks(dead, 1 - dead)
    driver.run_until_idle(turns=9)
    driver.restart_worker(dead)
    driver.move_tasks(1 - dead, dead)


def play(driver: TestDriver, recover: Recovery = restart_on_same_disk) -> None:
    """All there is to do, with a worker that is restarted in between."""
    for rows in EARLIER, LATER:
        feed(driver, rows)
        driver.run_until_idle()
        for i, worker in enumerate(driver.workers):
            if not worker.alive:
                recover(driver, i)
        driver.run_until_idle()
        driver.restart_worker(0)
    driver.run_until_idle()


def check(driver: TestDriver) -> None:
    assert finals(driver) == FINALS
    assert {topic: asides(driver, topic) for topic in ASIDES} == ASIDES


def test_the_run_without_a_crash_is_as_the_reference_says() -> None:
    assert len(FINALS) == 11
    with new_driver() as driver:
        play(driver)
        check(driver)
        assert not driver.failures


@pytest.mark.parametrize(
    "recover", [restart_on_same_disk, restart_on_empty_disk, move_away, move_away_and_back]
)
def test_every_crash_point(recover: Recovery) -> None:
    for n in itertools.count(1):
        with new_driver() as driver:
            plan = driver.kill_at(n)
            play(driver, recover)
            if plan.struck is None:
                break
            check(driver)
    assert n > 300, "there are more crash points"


def test_every_lost_answer() -> None:
    """Instead of the process, one answer of the cluster or the disk is lost: the task reopens."""
    for n in itertools.count(1):
        with new_driver() as driver:
            plan = driver.fail_at(n, TransactionError)
            play(driver)
            if plan.struck is None:
                break
            check(driver)
            assert all(worker.alive for worker in driver.workers)
    assert n > 300, "there are more points"
