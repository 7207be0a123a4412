"""What a task refuses to go on with, by name: going on would falsify counts."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from streams.core.columns import TP
from streams.core.counts import COUNTING
from streams.core.partials import Partial
from streams.core.ports import Committed, Record
from streams.core.text import longer_than_one
from streams.core.windows import TumblingWindows
from streams.errors import (
    BrokenChainError,
    ClosedWindowError,
    FingerprintMismatchError,
    OffsetLostError,
    TaskStoppedError,
)
from streams.settings import Settings
from streams.tasks.batch import Batches
from streams.testing import TestDriver
from streams.testing.log import PartitionLog
from streams.transport.app import StreamsApp
from tests.testing.hashtag_job import CLOSER, INPUT, OUTPUT, PARTIALS, job

SOURCE = TP(INPUT, 0)
COUNT = TP(PARTIALS, 0)


def send_partials(driver: TestDriver, times: int) -> None:
    """Let stage one commit so many partials that stage two has not yet read."""
    for i in range(times):
        driver.produce(INPUT, "hello", i)
        driver.deliver(SOURCE)
        driver.commit(SOURCE)


def drop_one(log: PartitionLog) -> None:
    del log.entries[2]


def double_one(log: PartitionLog) -> None:
    assert log.entries[0].record is not None
    log.append([log.entries[0].record])


def damage_one(log: PartitionLog) -> None:
    record = log.entries[2].record
    assert record is not None
    assert record.value is not None
    log.entries[2].record = record._replace(value=record.value[:-1])


def empty_one(log: PartitionLog) -> None:
    log.append([Record(b"", None, 0)])


def add_one_of_an_unknown_source(log: PartitionLog) -> None:
    log.append([Record(None, Partial(7, 0, 1, 0).encode(COUNTING), 0)])


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (drop_one, r"\[2, 3\) of source partition 0 leaves a gap after what was counted up to 1"),
        (double_one, r"\[-1, 1\) of source partition 0 overlaps what was counted up to 3"),
        (damage_one, "damaged"),
        (empty_one, "unknown version"),
        (add_one_of_an_unknown_source, "unknown source partition 7"),
    ],
)
def test_a_broken_chain_of_partials_stops_the_count(
    tamper: Callable[[PartitionLog], None], message: str
) -> None:
    with TestDriver(job()) as driver:
        send_partials(driver, 3)
        tamper(driver.broker.log(COUNT))
        with pytest.raises(BrokenChainError, match=message):
            driver.run_until_idle()
        # The task stays closed; its source goes on.
        assert COUNT not in driver.workers[0].tasks
        driver.produce(INPUT, *CLOSER)
        driver.run_until_idle()
        assert driver.read_output(OUTPUT) == []
        assert driver.broker.group("tally").offsets[SOURCE].offset == 4


def test_counts_for_a_closed_window_stop_the_count() -> None:
    with TestDriver(job()) as driver:
        send_partials(driver, 1)
        driver.produce(INPUT, *CLOSER)
        driver.run_until_idle()
        late = Partial(0, 2, 3, CLOSER[1], windows=[(0, [b"late"], [1])])
        driver.broker.log(COUNT).append([Record(None, late.encode(COUNTING), 0)])
        with pytest.raises(ClosedWindowError, match="window at 0, but all windows before"):
            driver.run_until_idle()


def expire(driver: TestDriver) -> None:
    driver.broker.expire_offsets("tally", INPUT)


def delete_input(driver: TestDriver) -> None:
    driver.broker.log(SOURCE).append([Record(None, b"unread", 0)])
    driver.broker.log(SOURCE).delete_before(4)


def recreate_input(driver: TestDriver) -> None:
    driver.broker.topics[INPUT] = [PartitionLog()]


def rewind_metadata(driver: TestDriver) -> None:
    offsets = driver.broker.group("tally").offsets
    offsets[SOURCE] = Committed(offsets[SOURCE].offset, "by another program")


def delete_partials(driver: TestDriver) -> None:
    log = driver.broker.log(COUNT)
    log.append([Record(None, b"unread", 0)])
    log.delete_before(log.end)


def recreate_partials(driver: TestDriver) -> None:
    driver.broker.topics[PARTIALS] = [PartitionLog()]


@pytest.mark.parametrize(
    ("lose", "message"),
    [
        (expire, "no committed offset"),
        (delete_input, "committed offset 3 is outside of the log"),
        (recreate_input, "committed offset 3 is outside of the log"),
        (rewind_metadata, "another program"),
        (delete_partials, "stored state continues at"),
        (recreate_partials, "stored state continues at"),
    ],
)
def test_a_lost_offset_is_never_reset(lose: Callable[[TestDriver], None], message: str) -> None:
    with TestDriver(job()) as driver:
        send_partials(driver, 3)
        driver.run_until_idle()
        driver.crash_worker(0)
        lose(driver)
        with pytest.raises(OffsetLostError, match=message):  # noqa: PT012  (at once, or on opening)
            driver.restart_worker(0)
            driver.run_until_idle()


def test_a_new_group_begins_at_the_start_of_the_input() -> None:
    with TestDriver(job(min_mentioned=0)) as first:
        for timestamp in range(5):
            first.produce(INPUT, "hello", timestamp)
        first.broker.log(SOURCE).delete_before(2)
        with TestDriver(job(min_mentioned=0, app_id="other"), broker=first.broker) as second:
            second.produce(INPUT, *CLOSER)
            second.run_until_idle()
            (final,) = second.read_output(OUTPUT)
            assert b'"count": 3' in (final.value or b"")


def other_partitions(topic: str) -> Callable[[TestDriver], None]:
    """Adds a partition to `topic`."""
    return lambda driver: driver.broker.topics[topic].append(PartitionLog())


def nothing(driver: TestDriver) -> None:
    """Changes nothing."""


def other_selection() -> StreamsApp:
    """The main job's table, with a shorter selection."""
    app = StreamsApp(Settings())
    table = app.windowed_count(
        "hashtag_counts",
        source=INPUT,
        windows=TumblingWindows(20_000),
        selection="longer_than_one",
    )

    @app.batch_agent(INPUT, name="count")
    async def count(batches: Batches) -> None:
        async for batch in batches:
            table.count(batch.text().filter(longer_than_one))

    @app.batch_agent(table.partials, name="emit")
    async def emit(batches: Batches) -> None:
        async for batch in batches:
            table.merge(batch)

    return app


def make_counts() -> TestDriver:
    """A driver of the main job that has counted something."""
    driver = TestDriver(job())
    send_partials(driver, 3)
    driver.run_until_idle()
    return driver


@pytest.mark.parametrize(
    ("other", "change", "message"),
    [
        (job(window_ms=10_000), nothing, "window_ms was 20000 and is now 10000"),
        (job(grace_ms=1), nothing, "grace_ms was 0 and is now 1"),
        (
            other_selection(),
            nothing,
            "selection was 'longer_than_one, lower, trim' and is now 'longer_than_one'",
        ),
        (job(), other_partitions(INPUT), "source_partitions was 1 and is now 2"),
        (job(), other_partitions(PARTIALS), "; partitions was 1 and is now 2|: partitions was"),
    ],
)
def test_counts_made_under_other_conditions_are_refused_at_the_start(
    other: StreamsApp, change: Callable[[TestDriver], None], message: str
) -> None:
    with make_counts() as before:
        change(before)
        with pytest.raises(FingerprintMismatchError, match=message):
            TestDriver(other, broker=before.broker)


@pytest.mark.parametrize("disk", ["same", "empty"])
def test_stored_counts_made_under_other_conditions_are_refused_too(disk: str) -> None:
    """Where the sources' offsets tell nothing, the changelog does."""
    with make_counts() as before:
        before.broker.group("tally").offsets[SOURCE] = Committed(3, "")
        with TestDriver(job(window_ms=10_000), broker=before.broker) as after:
            if disk == "same":
                after.workers[0].disks.update(before.workers[0].disks)
            with pytest.raises(FingerprintMismatchError, match="window_ms was 20000 and is now"):
                after.run_until_idle()


def test_an_agent_whose_steps_are_not_its_tables_is_refused() -> None:
    app = other_selection()
    count = replace(app._specs[0], selection="something_else")
    app._specs[0] = count
    with TestDriver(app) as driver:
        driver.produce(INPUT, "hello", 0)
        with pytest.raises(TaskStoppedError, match="selects by 'longer_than_one', but its table"):
            driver.run_until_idle()


def test_an_agent_that_never_asks_for_finals_is_refused() -> None:
    with TestDriver(other_selection()) as driver:
        driver.produce(INPUT, "hello", 0)
        driver.produce(INPUT, *CLOSER)
        with pytest.raises(TaskStoppedError, match="did not take what a closed window came to"):
            driver.run_until_idle()
