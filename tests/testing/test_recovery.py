"""What a task finds when it opens: its own disk, none, somebody else's, or one from long ago."""

from collections.abc import Iterator

import pytest

from streams import metrics
from streams.core.columns import TP
from streams.testing import TestDriver
from tests.testing.hashtag_job import CHANGELOG, CLOSER, INPUT, PARTIALS, finals, job

COUNT = TP(PARTIALS, 0)


def replayed() -> int:
    """Changelog records that the last restore of the only count task replayed."""
    gauge = metrics.LAST_RESTORE.labels("hashtag_counts", 0)
    return int(gauge._value.get())


def feed_in_commits(driver: TestDriver, commits: int, each: int = 3) -> None:
    """So many commits of `each` new keys of one window."""
    for i in range(commits):
        for j in range(each):
            driver.produce(INPUT, f"tag{i}-{j}", 1000)
        driver.run_until_idle()


@pytest.fixture
def driver() -> Iterator[TestDriver]:
    with TestDriver(job(min_mentioned=0), workers=2) as driver:
        driver.move_tasks(1, 0)
        yield driver


def check_all_there(driver: TestDriver, commits: int, each: int = 3) -> None:
    driver.produce(INPUT, *CLOSER)
    driver.run_until_idle()
    tags = {(f"tag{i}-{j}", 0): 1 for i in range(commits) for j in range(each)}
    assert finals(driver) == tags


def test_a_disk_that_is_up_to_date_replays_nothing(driver: TestDriver) -> None:
    feed_in_commits(driver, 10)
    driver.crash_worker(0)
    driver.restart_worker(0)
    driver.run_until_idle()
    assert replayed() == 0
    check_all_there(driver, 10)


@pytest.mark.parametrize("point", ["txn-ended", "store-apply"])
def test_a_crash_before_the_disk_is_written_replays_one_commit(
    driver: TestDriver, point: str
) -> None:
    feed_in_commits(driver, 9)
    # The source's transaction ends first; the second is that of the counts.
    driver.kill_at(2 if point == "txn-ended" else 1, only=point)
    feed_in_commits(driver, 10)
    assert not driver.workers[0].alive
    driver.restart_worker(0)
    driver.run_until_idle()
    # 27 keys that were there already, 3 new ones, and the bookkeeping.
    assert 0 < replayed() <= 3 * 10 + 1
    driver.produce(INPUT, *CLOSER)
    driver.run_until_idle()
    counts = {(f"tag{i}-{j}", 0): 2 for i in range(9) for j in range(3)}
    assert finals(driver) == {**counts, **{(f"tag9-{j}", 0): 1 for j in range(3)}}


def test_an_empty_disk_replays_the_whole_changelog(driver: TestDriver) -> None:
    feed_in_commits(driver, 10)
    driver.crash_worker(0)
    driver.restart_worker(0, disk="empty")
    driver.run_until_idle()
    assert replayed() == 10 * (3 + 1)
    check_all_there(driver, 10)


def test_compaction_shortens_a_restore(driver: TestDriver) -> None:
    feed_in_commits(driver, 10)
    driver.broker.compact(CHANGELOG)
    driver.restart_worker(0, disk="empty")
    driver.run_until_idle()
    assert replayed() == 10 * 3 + 1
    check_all_there(driver, 10)


def test_a_disk_of_another_incarnation_is_wiped(
    driver: TestDriver, caplog: pytest.LogCaptureFixture
) -> None:
    with TestDriver(job(min_mentioned=0)) as other:
        for _ in range(10):
            other.produce(INPUT, "foreign", 1000)
            other.run_until_idle()
        foreign = other.workers[0].disks[COUNT]
    feed_in_commits(driver, 10)
    driver.restart_worker(0, disk="empty")
    driver.workers[0].disks[COUNT] = foreign
    driver.run_until_idle()
    assert "does not belong to its changelog" in caplog.text
    check_all_there(driver, 10)


def test_a_disk_from_beyond_the_logs_end_is_wiped(driver: TestDriver) -> None:
    feed_in_commits(driver, 3)
    stored = driver.workers[0].disks[COUNT].stored
    assert stored is not None
    driver.workers[0].disks[COUNT].stored = stored._replace(position=stored.position + 1000)
    driver.workers[0].disks[COUNT].contents[0, b"wrong"] = 1
    driver.restart_worker(0)
    driver.run_until_idle()
    check_all_there(driver, 3)


def test_a_disk_from_below_the_logs_start_is_wiped(driver: TestDriver) -> None:
    """As after records were deleted that a disk had not seen; compaction alone doesn't do that."""
    feed_in_commits(driver, 1)
    driver.move_task(COUNT, 1)
    driver.produce(INPUT, "second", 30_000)
    driver.produce(INPUT, "second", 60_000)
    driver.run_until_idle()
    log = driver.broker.log(TP(CHANGELOG, 0))
    driver.broker.compact(CHANGELOG, drop_tombstones=True)
    log.delete_before(log.entries[0].offset)
    driver.move_task(COUNT, 0)
    driver.run_until_idle()
    assert replayed() == 2  # one count and the bookkeeping
    driver.produce(INPUT, *CLOSER)
    driver.run_until_idle()
    first = {(f"tag0-{j}", 0): 1 for j in range(3)}
    assert finals(driver) == {**first, ("second", 20_000): 1, ("second", 60_000): 1}


def test_a_disk_older_than_the_tombstones_does_not_revive_closed_windows(
    driver: TestDriver,
) -> None:
    feed_in_commits(driver, 2)
    driver.move_task(COUNT, 1)
    driver.produce(INPUT, "second", 30_000)
    driver.produce(INPUT, "second", 45_000)
    driver.run_until_idle()
    driver.broker.compact(CHANGELOG, drop_tombstones=True)
    assert driver.workers[0].disks[COUNT].contents.keys() == {
        (0, b"tag%d-%d" % (i, j)) for i in range(2) for j in range(3)
    }
    driver.move_task(COUNT, 0)
    driver.run_until_idle()
    assert driver.workers[0].disks[COUNT].contents.keys() == {(40_000, b"second")}
    driver.produce(INPUT, *CLOSER)
    driver.run_until_idle()
    first = {(f"tag{i}-{j}", 0): 1 for i in range(2) for j in range(3)}
    assert finals(driver) == {**first, ("second", 20_000): 1, ("second", 40_000): 1}


def test_a_window_half_closed_is_not_closed_from_its_beginning_by_an_old_disk() -> None:
    """Its first tombstones may be gone, so the changelog's cursor tells where to go on."""
    with TestDriver(job(min_mentioned=0, close_chunk=2), workers=2) as driver:
        driver.move_tasks(1, 0)
        feed_in_commits(driver, 1, each=5)
        driver.move_task(COUNT, 1)
        driver.produce(INPUT, *CLOSER)
        # The counts' transactions are: the watermark, then two keys, and here it ends.
        driver.kill_at(4, only="begin")
        driver.run_until_idle()
        assert not driver.workers[1].alive
        assert len(finals(driver)) == 2
        driver.move_task(COUNT, 0)
        driver.broker.compact(CHANGELOG, drop_tombstones=True)
        driver.run_until_idle()
        assert finals(driver) == {(f"tag0-{j}", 0): 1 for j in range(5)}


def test_what_was_replayed_is_settled_before_the_task_writes(driver: TestDriver) -> None:
    feed_in_commits(driver, 3)
    driver.restart_worker(0, disk="empty")
    driver.kill_at(1, only="store-settle")
    feed_in_commits(driver, 1)
    assert driver.plan.struck == "store-settle"
    assert driver.plan.names["producer-id-initialised"] > 0
    assert driver.plan.names["begin"] == 0, "nothing was written yet"
