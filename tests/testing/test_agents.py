"""What agents may do in a job, and what becomes of it when they fail."""

from collections.abc import Callable

import pytest

from streams.core.columns import TP
from streams.core.final import Final
from streams.core.text import longer_than_one
from streams.core.windows import TumblingWindows
from streams.settings import Settings
from streams.tasks.batch import Batch, Batches
from streams.testing import TestDriver
from streams.transport.app import StreamsApp

SOURCE = TP("in", 0)
END = 10_000

OnBatch = Callable[[Batch], None]
OnFinal = Callable[[Batch, Final[int]], None]


def app_with(
    on_values: OnBatch | None = None, on_final: OnFinal | None = None, ends: bool = False
) -> StreamsApp:
    """Counts `in` by seconds, and calls back on the way."""
    app = StreamsApp(Settings(app_id="agents"))
    table = app.windowed_count(
        "counts", source="in", windows=TumblingWindows(1000), selection="longer_than_one"
    )

    @app.batch_agent("in", name="count")
    async def count(batches: Batches) -> None:
        async for batch in batches:
            table.count(batch.text().filter(longer_than_one))
            if on_values is not None:
                on_values(batch)
            if ends:
                return

    @app.batch_agent(table.partials, name="emit")
    async def emit(batches: Batches) -> None:
        async for batch in batches:
            table.merge(batch)
            for final in table.finals(batch):
                if on_final is not None:
                    on_final(batch, final)
                value = b"%d" % final.value
                batch.send("out", key=final.key, value=value, timestamp=final.timestamp)

    return app


def drive(app: StreamsApp) -> TestDriver:
    return TestDriver(app, partitions={"in": 2, "out": 1, "other": 2}, fetch_records=1)


def outputs(driver: TestDriver) -> dict[bytes | None, bytes | None]:
    found = driver.read_output("out")
    assert len({record.key for record in found}) == len(found)
    return {record.key: record.value for record in found}


class FailsOnce:
    """Fails at the nth call, and never again."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("the agent's own fault")


def feed(driver: TestDriver) -> None:
    for partition in (0, 1):
        for timestamp in (0, 1, 2):
            driver.produce("in", "word", timestamp, partition=partition)
        driver.produce("in", "end", END, partition=partition)


def test_an_agent_that_fails_at_a_record_stops_only_that_partition() -> None:
    with drive(app_with(on_values=FailsOnce(5))) as driver:
        feed(driver)
        with pytest.raises(RuntimeError, match="own fault"):
            driver.run_until_idle()
        driver.run_until_idle()
        # Of partition 0 the second batch was open when the third failed; neither is committed.
        offsets = driver.broker.group("agents").offsets
        assert offsets[TP("in", 0)].offset == 1
        assert offsets[TP("in", 1)].offset == 4
        assert outputs(driver) == {}
        driver.restart_worker(0)
        driver.run_until_idle()
        assert outputs(driver) == {b"word": b"6"}


def test_an_agent_that_fails_at_a_final_leaves_the_window_to_be_closed_again() -> None:
    with drive(app_with(on_final=FailsOnce(1))) as driver:
        feed(driver)
        with pytest.raises(RuntimeError, match="own fault"):
            driver.run_until_idle()
        assert outputs(driver) == {}
        driver.restart_worker(0, disk="empty")
        driver.run_until_idle()
        assert outputs(driver) == {b"word": b"6"}


def test_an_agent_that_ends_is_reported() -> None:
    with drive(app_with(ends=True)) as driver:
        feed(driver)
        with pytest.raises(AssertionError, match="agent of in ended"):
            driver.run_until_idle()


def test_what_an_agent_sends_is_committed_with_its_batch() -> None:
    def copy(batch: Batch) -> None:
        for columns in batch.chunk.batches:
            for _, _, value in columns.rows():
                headers = (("from", b"%d" % batch.chunk.tp.partition),)
                batch.send("other", key=None, value=value, timestamp=7, headers=headers)

    with drive(app_with(on_values=copy)) as driver:
        driver.produce("in", "word", 0, partition=1)
        driver.deliver(TP("in", 1))
        assert driver.read_output("other") == []
        driver.crash_worker(0)
        driver.restart_worker(0)
        driver.run_until_idle()
        # Without a key a record goes to the partition of its batch's number.
        (record,) = driver.read_output("other")
        assert (record.partition, record.key, record.value) == (1, None, b"word")
        assert (record.timestamp, record.headers) == (7, {"from": b"1"})


def test_after_commit_is_called_once_the_batch_is_committed() -> None:
    seen: list[tuple[int, int]] = []

    def note(batch: Batch) -> None:
        batch.after_commit(lambda: seen.append((batch.chunk.from_offset, committed())))

    def committed() -> int:
        return driver.broker.group("agents").offsets[SOURCE].offset

    with drive(app_with(on_values=note)) as driver:
        driver.produce("in", "word", 0)
        driver.produce("in", "word", 0)
        driver.deliver(SOURCE)
        driver.deliver(SOURCE)
        assert seen == []
        driver.commit(SOURCE)
        assert seen == [(0, 2), (1, 2)]
        driver.deliver(SOURCE)
        driver.run_until_idle()
        assert len(seen) == 2


def test_after_commit_is_not_called_when_the_commit_fails() -> None:
    seen: list[int] = []
    app = app_with(on_values=lambda batch: batch.after_commit(lambda: seen.append(1)))
    with drive(app) as driver:
        driver.produce("in", "word", 0)
        driver.deliver(SOURCE)
        driver.kill_at(1, only="end-txn")
        driver.run_until_idle()
        assert not driver.workers[0].alive
        assert seen == []


def test_a_window_closes_only_once_its_last_counts_are_committed() -> None:
    with drive(app_with()) as driver:
        feed(driver)
        count = TP("agents-counts-repartition", 0)
        for partition in (0, 1):
            while driver.deliver(TP("in", partition)):
                pass
            driver.commit(TP("in", partition))
        while driver.deliver(count):
            pass
        assert not driver.tick(count)
        driver.commit(count)
        assert driver.tick(count)
        assert outputs(driver) == {}
        driver.commit(count)
        assert outputs(driver) == {b"word": b"6"}


def test_two_tables_of_one_application_have_partitions_of_their_own() -> None:
    app = app_with()
    table = app.windowed_count(
        "others", source="in2", windows=TumblingWindows(1000), selection="longer_than_one"
    )

    @app.batch_agent("in2", name="count2")
    async def count(batches: Batches) -> None:
        async for batch in batches:
            table.count(batch.text().filter(longer_than_one))

    @app.batch_agent(table.partials, name="emit2")
    async def emit(batches: Batches) -> None:
        async for batch in batches:
            table.merge(batch)
            for final in table.finals(batch):
                batch.send("out", key=final.key, value=b"second", timestamp=final.timestamp)

    partitions = {"out": 1, "agents-counts-repartition": 5, "agents-others-repartition": 2}
    with TestDriver(app, partitions=partitions) as driver:
        for i in range(10):
            driver.produce("in", f"first{i}", 0)
            driver.produce("in2", f"second{i}", 0)
        driver.produce("in", "end", END)
        driver.produce("in2", "end", END)
        driver.run_until_idle()
        assert outputs(driver) == {
            **{b"first%d" % i: b"1" for i in range(10)},
            **{b"second%d" % i: b"second" for i in range(10)},
        }
