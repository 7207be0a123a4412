"""The test driver itself: what a test may ask of it."""

from random import Random

import pytest

from streams.core.columns import TP
from streams.core.ports import Record
from streams.errors import StoreError, TransactionError
from streams.testing import CrashPlan, ManualClock, TestDriver
from tests.testing.hashtag_job import CHANGELOG, CLOSER, INPUT, OUTPUT, PARTIALS, finals, job


def test_topics_have_one_partition_unless_it_is_said_otherwise() -> None:
    with TestDriver(job(), partitions={INPUT: 3, PARTIALS: 2, "extra": 4}) as driver:
        assert driver.broker.partitions() == {
            INPUT: 3,
            PARTIALS: 2,
            CHANGELOG: 2,  # always as many as there are tasks
            OUTPUT: 1,
            "twitter_input-dead-letters": 1,
            "extra": 4,
        }
    with TestDriver(job(), partitions=5) as driver:
        assert set(driver.broker.partitions().values()) == {5}


def test_records_go_where_their_key_says() -> None:
    with TestDriver(job(), partitions=4) as driver:
        driver.produce(INPUT, "none", 0)
        driver.produce(INPUT, b"given", 0, partition=3)
        driver.produce(INPUT, None, 0, key=b"foobar")
        found = [(r.partition, r.key, r.value) for r in driver.read_output(INPUT)]
    assert found == [
        (0, None, b"none"),
        ((-790332482 & 0x7FFFFFFF) % 4, b"foobar", None),  # its murmur2, as Java has it
        (3, None, b"given"),
    ]


def test_tasks_are_spread_over_the_workers() -> None:
    with TestDriver(job(), partitions={INPUT: 4, PARTIALS: 2}, workers=3) as driver:
        owners = driver.tasks()
        assert len(owners) == 6
        assert {list(owners.values()).count(i) for i in range(3)} == {2}
        driver.move_task(TP(INPUT, 0), 2)
        assert driver.tasks()[TP(INPUT, 0)] == 2
        driver.move_tasks(2, 1)
        assert 2 not in driver.tasks().values()


def test_time_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(1_000)
    with TestDriver(job(), clock=clock) as driver:
        driver.run_until_idle()
        driver.advance_time(500)
        assert clock.now() == 1_500


def test_a_number_of_turns_may_leave_work_undone() -> None:
    with TestDriver(job(min_mentioned=0), fetch_records=1) as driver:
        for _ in range(5):
            driver.produce(INPUT, "hello", 0)
        driver.produce(INPUT, *CLOSER)
        driver.run_until_idle(turns=3)
        assert finals(driver) == {}
        driver.run_until_idle()
        assert finals(driver) == {("hello", 0): 5}


def test_the_same_seed_makes_the_same_run() -> None:
    def points(seed: int) -> CrashPlan:
        with TestDriver(job(), partitions=2, workers=2, random=Random(seed)) as driver:
            for partition in (0, 1):
                for timestamp in range(0, 60_000, 1_000):
                    driver.produce(INPUT, "hello", timestamp, partition=partition)
            driver.run_until_idle()
            return driver.plan

    assert points(1).names == points(1).names
    assert points(1).names != points(2).names


def test_a_worker_dies_at_the_crash_point_and_the_others_go_on() -> None:
    with TestDriver(job(min_mentioned=0), workers=2) as driver:
        driver.produce(INPUT, "hello", 0)
        driver.produce(INPUT, *CLOSER)
        plan = driver.kill_at(1, only="produced")
        driver.run_until_idle()
        assert plan.struck == "produced"
        assert [worker.alive for worker in driver.workers] == [False, True]
        driver.move_tasks(0, 1)
        driver.run_until_idle()
        assert finals(driver) == {("hello", 0): 1}


def test_an_error_that_may_be_retried_is_noted() -> None:
    with TestDriver(job(min_mentioned=0)) as driver:
        driver.produce(INPUT, "hello", 0)
        driver.produce(INPUT, *CLOSER)
        driver.fail_at(1, StoreError, only="store-apply")
        driver.run_until_idle()
        ((worker, tp, error),) = driver.failures
        assert (worker, tp, type(error)) == (0, TP(PARTIALS, 0), StoreError)
        assert finals(driver) == {("hello", 0): 1}


def test_an_error_that_never_ends_is_raised_in_the_end() -> None:
    class Always(CrashPlan):
        def point(self, name: str) -> None:
            if name == "end-txn":
                raise TransactionError(name)

    with TestDriver(job()) as driver:
        driver.produce(INPUT, "hello", 0)
        driver._fleet.plan = Always()
        with pytest.raises(TransactionError):
            driver.run_until_idle()


def test_a_producers_aborted_records_are_not_counted() -> None:
    with TestDriver(job(min_mentioned=0)) as driver:
        coordinator = driver.broker.coordinator
        epoch = coordinator.initialise("producer")
        for value, commit in ((b"aborted", False), (b"committed", True)):
            transaction = coordinator.transaction("producer", epoch)
            driver.broker.log(TP(INPUT, 0)).append([Record(None, value, 0)], transaction)
            coordinator.end("producer", epoch, commit=commit)
        driver.produce(INPUT, *CLOSER)
        driver.run_until_idle()
        assert finals(driver) == {("committed", 0): 1}


def test_partials_go_only_where_they_are_needed() -> None:
    """Else sources times partitions would be written each interval, most of it empty."""
    with TestDriver(job(), partitions={PARTIALS: 8}) as driver:
        source = TP(INPUT, 0)

        def written(value: str, timestamp: int) -> int:
            before = sum(log.end for log in driver.broker.topics[PARTIALS])
            driver.produce(INPUT, value, timestamp)
            driver.deliver(source)
            driver.commit(source)
            # Each has a marker beside it.
            return (sum(log.end for log in driver.broker.topics[PARTIALS]) - before) // 2

        assert written("first", 0) == 8  # the first stream time there is
        assert written("second", 19_999) == 1
        assert written("x", 50_000) == 0
        assert written("third", 20_000) == 8  # a window's end has been passed
        assert written("fourth", 20_000) == 1


def test_the_repartition_topic_keeps_only_what_is_not_merged() -> None:
    with TestDriver(job()) as driver:
        for timestamp in range(100):
            driver.produce(INPUT, "hello", timestamp)
            driver.run_until_idle()
        assert driver.read_output(PARTIALS) == []
