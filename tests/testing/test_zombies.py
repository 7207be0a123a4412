"""A worker that goes on after its tasks were given to another changes nothing."""

from collections.abc import Iterator

import pytest

from streams.core.columns import TP
from streams.errors import FencedError
from streams.testing import TestDriver
from tests.testing.hashtag_job import CLOSER, INPUT, PARTIALS, finals, job

SOURCE = TP(INPUT, 0)
COUNT = TP(PARTIALS, 0)


@pytest.fixture
def driver() -> Iterator[TestDriver]:
    """Worker 0 owns both tasks; each has something open that is not committed."""
    with TestDriver(job(min_mentioned=0), workers=2) as driver:
        driver.move_tasks(1, 0)
        driver.produce(INPUT, "before", 0)
        driver.run_until_idle()
        driver.produce(INPUT, "source", 1)
        assert driver.deliver(SOURCE)
        yield driver


def leave_open(driver: TestDriver, tp: TP) -> None:
    """Stop worker 0 with an open transaction of `tp`, all of it written, and none ended."""
    driver.fail_at(1, _Stop, only="end-txn")
    with pytest.raises(_Stop):
        driver.commit(tp)


class _Stop(BaseException):
    """Where SIGSTOP hits; neither an error nor a crash."""


def take_over(driver: TestDriver) -> None:
    """Pause worker 0, and let worker 1 do all there is."""
    driver.pause_worker(0)
    driver.move_tasks(0, 1)
    driver.produce(INPUT, *CLOSER)
    driver.run_until_idle()
    driver.resume_worker(0)


EXPECTED = {("before", 0): 1, ("source", 0): 1}


def test_a_source_that_was_taken_over_is_fenced(driver: TestDriver) -> None:
    take_over(driver)
    assert finals(driver) == EXPECTED
    with pytest.raises(FencedError):
        driver.commit(SOURCE, worker=0)
    driver.run_until_idle()
    assert finals(driver) == EXPECTED


def test_a_count_that_was_taken_over_is_fenced(driver: TestDriver) -> None:
    driver.commit(SOURCE)
    assert driver.deliver(COUNT)
    take_over(driver)
    disk = driver.workers[0].disks[COUNT]
    before = dict(disk.contents)
    with pytest.raises(FencedError):
        driver.commit(COUNT, worker=0)
    assert disk.contents == before
    assert finals(driver) == EXPECTED


def test_a_zombie_closes_its_tasks_by_itself_and_does_not_open_them_again(
    driver: TestDriver,
) -> None:
    take_over(driver)
    driver.run_until_idle()
    assert [failure.worker for failure in driver.failures] == [0]
    assert not driver.workers[0].tasks
    driver.produce(INPUT, "after", CLOSER[1])
    driver.run_until_idle()
    assert len(driver.failures) == 1


def test_an_open_transaction_is_aborted_by_whoever_takes_over(driver: TestDriver) -> None:
    leave_open(driver, SOURCE)
    partials = driver.broker.log(COUNT)
    assert partials.stable_end < partials.end
    take_over(driver)
    assert finals(driver) == EXPECTED
    assert partials.stable_end == partials.end


@pytest.mark.parametrize("tp", [SOURCE, COUNT])
def test_a_zombie_that_initialises_its_id_again_still_can_not_commit(
    driver: TestDriver, tp: TP
) -> None:
    """The transactional id lets it in; only the group's generation keeps it out (KIP-447)."""
    take_over(driver)
    committed = dict(driver.broker.group("tally").offsets)
    zombie = driver.workers[0]
    driver.produce(INPUT, "again", CLOSER[1])
    for task in list(zombie.tasks):
        del zombie.tasks[task]  # opened anew, without asking the group
    if tp == COUNT:
        driver.deliver(SOURCE)
        driver.commit(SOURCE)
        committed = dict(driver.broker.group("tally").offsets)
    assert driver.deliver(tp, worker=0)
    with pytest.raises(FencedError, match="generation"):
        driver.commit(tp, worker=0)
    assert driver.broker.group("tally").offsets == committed
    # The owner was fenced by that, opens again, and loses nothing.
    driver.run_until_idle()
    driver.produce(INPUT, "end", 2 * CLOSER[1])
    driver.run_until_idle()
    start = CLOSER[1] // 20_000 * 20_000
    assert finals(driver) == {**EXPECTED, ("closer", start): 1, ("again", start): 1}
