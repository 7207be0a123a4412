"""A standby over the broker in memory: what it copies, survives, and leaves to be replayed."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from streams import metrics
from streams.core.columns import TP
from streams.core.counts import COUNTING
from streams.errors import OffsetLostError, StoreError, TransactionError
from streams.state.memory import Disk, MemoryStore
from streams.state.standby import Standby
from streams.testing import Crash, CrashPlan, TestDriver
from streams.testing.client import Client
from tests.testing.hashtag_job import CHANGELOG, CLOSER, INPUT, PARTIALS, finals, job
from tests.testing.test_recovery import check_all_there, feed_in_commits, replayed

COUNT = TP(PARTIALS, 0)
LOG = TP(CHANGELOG, 0)


class Watcher:
    """A worker that only keeps a standby; its `disk` is that of the driver's second worker."""

    def __init__(self, driver: TestDriver, plan: CrashPlan | None = None) -> None:
        self._driver = driver
        self._plan = plan or CrashPlan()
        self._standby: Standby | None = None

    @property
    def disk(self) -> Disk:
        return self._driver.workers[1].disks.setdefault(COUNT, Disk())

    @property
    def standby(self) -> Standby:
        assert self._standby is not None
        return self._standby

    def open(self) -> "Watcher":
        client = Client(self._driver.broker, self._point)
        store = MemoryStore(self.disk, COUNTING, self._point)
        self._standby = Standby("hashtag_counts", LOG, store, client, client.follower())
        _run(self._standby.open())
        return self

    def follow(self) -> "Watcher":
        """Follow until nothing is left."""
        _run(self._follow())
        return self

    def close(self) -> None:
        _run(self.standby.close())

    async def _follow(self) -> None:
        while (piece := await self.standby.next(1.0)) is not None:
            await self.standby.take(piece)

    async def _point(self, name: str) -> None:
        self._plan.point(name)


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def lag() -> float:
    gauge = metrics.STANDBY_LAG.labels("hashtag_counts", "0")
    return float(gauge._value.get())


@pytest.fixture
def driver() -> Iterator[TestDriver]:
    with TestDriver(job(min_mentioned=0), workers=2) as driver:
        driver.move_tasks(1, 0)
        yield driver


def same_disks(driver: TestDriver, watcher: Watcher) -> None:
    active = driver.workers[0].disks[COUNT]
    assert watcher.disk.stored == active.stored
    assert watcher.disk.contents == active.contents


def test_a_task_that_moves_to_its_standby_replays_nothing(driver: TestDriver) -> None:
    feed_in_commits(driver, 10)
    watcher = Watcher(driver).open().follow()
    same_disks(driver, watcher)
    watcher.close()
    driver.move_task(COUNT, 1)
    driver.run_until_idle()
    assert replayed() == 0
    check_all_there(driver, 10)


def test_a_task_replays_what_came_after_its_standby(driver: TestDriver) -> None:
    feed_in_commits(driver, 9)
    Watcher(driver).open().follow().close()
    feed_in_commits(driver, 10)
    driver.move_task(COUNT, 1)
    driver.run_until_idle()
    # 27 keys that were there already, in nine commits, then three new ones.
    assert replayed() == 9 * (3 + 1) + 3 + 1


def test_it_goes_on_at_the_logs_end(driver: TestDriver) -> None:
    feed_in_commits(driver, 2)
    watcher = Watcher(driver).open()
    assert watcher.standby.lag == lag() > 0
    watcher.follow()
    assert watcher.standby.lag == lag() == 0
    for n in range(3, 6):
        feed_in_commits(driver, n)
        watcher.follow()
        same_disks(driver, watcher)
    assert watcher.standby.lag == lag() == 0


def test_it_begins_where_its_disk_ends(driver: TestDriver) -> None:
    feed_in_commits(driver, 5)
    Watcher(driver).open().follow().close()
    again = Watcher(driver).open()
    assert (again.standby.lag or 0) <= 2, "at most the last bookkeeping and its marker"
    plan = CrashPlan()
    Watcher(driver, plan).open().follow()
    assert plan.names["store-apply"] == 0


def test_nothing_is_copied_before_it_is_committed(driver: TestDriver) -> None:
    feed_in_commits(driver, 2)
    watcher = Watcher(driver).open().follow()
    driver.kill_at(2, only="end-txn")  # the first one is the source's
    driver.produce(INPUT, "open", 1000)
    driver.run_until_idle()
    assert not driver.workers[0].alive
    assert driver.broker.log(LOG).stable_end < driver.broker.log(LOG).end
    watcher.follow()
    same_disks(driver, watcher)
    watcher.close()
    # The owner that takes over aborts it; what it held is counted again, once.
    driver.move_tasks(0, 1)
    driver.produce(INPUT, *CLOSER)
    driver.run_until_idle()
    assert finals(driver)["open", 0] == 1


def test_windows_that_close_vanish_here_too(driver: TestDriver) -> None:
    feed_in_commits(driver, 3)
    watcher = Watcher(driver).open().follow()
    assert watcher.disk.contents
    driver.produce(INPUT, *CLOSER)
    driver.run_until_idle()
    watcher.follow()
    same_disks(driver, watcher)
    assert {window for window, _ in watcher.disk.contents}.isdisjoint({0})


def test_a_disk_older_than_the_tombstones(driver: TestDriver) -> None:
    feed_in_commits(driver, 2)
    Watcher(driver).open().follow().close()
    driver.produce(INPUT, "second", 30_000)
    driver.produce(INPUT, "second", 45_000)
    driver.run_until_idle()
    driver.broker.compact(CHANGELOG, drop_tombstones=True)
    watcher = Watcher(driver).open().follow()
    assert watcher.disk.contents.keys() == {(40_000, b"second")}
    same_disks(driver, watcher)


def test_a_disk_of_another_incarnation_is_wiped(
    driver: TestDriver, caplog: pytest.LogCaptureFixture
) -> None:
    with TestDriver(job(min_mentioned=0)) as other:
        for _ in range(10):
            other.produce(INPUT, "foreign", 1000)
            other.run_until_idle()
        driver.workers[1].disks[COUNT] = other.workers[0].disks[COUNT]
    feed_in_commits(driver, 10)
    watcher = Watcher(driver).open().follow()
    assert "does not belong to its changelog" in caplog.text
    same_disks(driver, watcher)


@pytest.mark.parametrize("moved", [-(10**6), 10**6])
def test_a_disk_outside_of_the_log_is_wiped(driver: TestDriver, moved: int) -> None:
    feed_in_commits(driver, 3)
    Watcher(driver).open().follow().close()
    disk = driver.workers[1].disks[COUNT]
    assert disk.stored is not None
    disk.stored = disk.stored._replace(position=disk.stored.position + moved)
    disk.contents[0, b"wrong"] = 1
    watcher = Watcher(driver).open().follow()
    same_disks(driver, watcher)


def test_a_log_that_was_cut_off_is_an_error_and_the_next_start_wipes(driver: TestDriver) -> None:
    feed_in_commits(driver, 2)
    watcher = Watcher(driver).open().follow()
    feed_in_commits(driver, 2)
    feed_in_commits(driver, 2)
    log = driver.broker.log(LOG)
    driver.broker.compact(CHANGELOG)
    log.delete_before(log.entries[0].offset)
    with pytest.raises(OffsetLostError):
        watcher.follow()
    watcher.close()
    same_disks(driver, Watcher(driver).open().follow())


@pytest.mark.parametrize("raises", [Crash, TransactionError, StoreError])
def test_every_place_to_fail_at(driver: TestDriver, raises: Callable[[str], BaseException]) -> None:
    """Whatever ends a standby, the next one on its disk comes to the same."""
    feed_in_commits(driver, 2)
    driver.produce(INPUT, "second", 30_000)
    driver.run_until_idle()
    for n in itertools.count(1):
        driver.workers[1].disks.clear()
        plan = CrashPlan(n, raises=raises)
        try:
            Watcher(driver, plan).open().follow().close()
        except (Crash, TransactionError, StoreError):
            same_disks(driver, Watcher(driver).open().follow())
        if plan.struck is None:
            break
    assert n > 20, "there are more places"
