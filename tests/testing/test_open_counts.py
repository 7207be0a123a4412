"""What a task tells of a key's open windows is what its changelog holds, whatever happens."""

from random import Random

import pytest

from streams.core.columns import TP
from streams.core.counts import decode_count
from streams.errors import NotReadyError
from streams.state.changelog import BOOKKEEPING_KEY, Bookkeeping, decode_key
from streams.tasks.task import State
from streams.tasks.window_task import WindowTask
from streams.testing import TestDriver
from tests.scene import seed_of_run
from tests.testing.hashtag_job import CHANGELOG, CLOSER, INPUT, PARTIALS, job

SIZE = 20_000
TAGS = [b"aa", b"bb", b"cc", b"dd", b"ee", b"ff"]
SOURCES, TASKS = 2, 2
ALL_TASKS = [
    *(TP(INPUT, partition) for partition in range(SOURCES)),
    *(TP(PARTIALS, partition) for partition in range(TASKS)),
]


def committed(driver: TestDriver, partition: int) -> dict[bytes, dict[int, int]]:
    """{key: {window: count}} of a partition, as its changelog has it."""
    counts: dict[tuple[int, bytes], int] = {}
    closed_until = 0
    for record in driver.read_output(CHANGELOG):
        if record.partition != partition or record.key is None:
            continue
        if record.key == BOOKKEEPING_KEY:
            closed_until = Bookkeeping.decode(record.value or b"").closed_until
        elif record.value is None:
            counts.pop(decode_key(record.key), None)
        else:
            counts[decode_key(record.key)] = decode_count(record.value)
    found: dict[bytes, dict[int, int]] = {}
    for (window, key), count in sorted(counts.items()):
        if window >= closed_until:
            found.setdefault(key, {})[window] = count
    return found


def told(driver: TestDriver, tp: TP, key: bytes) -> dict[int, int]:
    counts = driver.open_counts(tp, key)
    assert all(one.window_end == one.window_start + SIZE for one in counts)
    return {one.window_start: one.count for one in counts}


def check(driver: TestDriver) -> int:
    """Compare all that the open tasks tell with their changelogs; returns how many counts."""
    compared = 0
    for partition in range(TASKS):
        expected = committed(driver, partition)
        for key in TAGS:
            try:
                found = told(driver, TP(PARTIALS, partition), key)
            except NotReadyError:
                continue
            assert found == expected.get(key, {}), (partition, key)
            assert list(found) == sorted(found)
            compared += len(found)
    return compared


def step(driver: TestDriver, random: Random) -> None:
    """Something that happens to the application."""
    tp = random.choice(ALL_TASKS)
    kind = random.choices(
        ["deliver", "commit", "tick", "crash", "move", "spill"], [8, 6, 4, 0.1, 0.1, 0.1]
    )[0]
    if kind == "deliver":
        driver.deliver(tp, records=random.randrange(1, 30))
    elif kind == "commit":
        driver.commit(tp)
    elif kind == "tick":
        driver.tick(tp)
    elif kind == "crash":
        driver.crash_worker(0)
        driver.restart_worker(0, disk=random.choice(["same", "empty"]))
    elif kind == "move":
        driver.move_task(tp, random.randrange(2))
    else:
        forget_what_is_in_memory(driver)


def forget_what_is_in_memory(driver: TestDriver) -> None:
    """As when the cache has grown too large: the disk has to be asked."""
    for worker in driver.workers:
        for task in worker.tasks.values():
            if isinstance(task, WindowTask) and task.state is State.RUNNING:
                task.windowed._cache.forget()


@pytest.mark.parametrize("run", range(6))
def test_answers_are_what_was_committed_last(run: int) -> None:
    random = Random(f"{seed_of_run()}-{run}")
    # Windows wait for late records, so that several are open; and close in several transactions.
    app = job(grace_ms=SIZE, close_chunk=2)
    compared = 0
    with TestDriver(app, partitions={INPUT: SOURCES, PARTIALS: TASKS}, workers=2) as driver:
        now = 0
        for _ in range(150):
            for partition in range(SOURCES):
                now += random.randrange(1_500)
                driver.produce(INPUT, random.choice(TAGS), now, partition=partition)
            step(driver, random)
            compared += check(driver)
        driver.run_until_idle()
        compared += check(driver)
        for partition in range(SOURCES):
            driver.produce(INPUT, *CLOSER, partition=partition)
        # Step by step, for windows are closed in several transactions.
        for _ in range(200):
            step(driver, random)
            compared += check(driver)
        driver.run_until_idle()
        assert check(driver) == 0, "all windows are closed"
    assert compared > 100


def test_a_task_that_is_not_open_tells_nothing() -> None:
    with TestDriver(job()) as driver:
        driver.produce(INPUT, b"aa", 1_000)
        driver.run_until_idle()
        tp = TP(PARTIALS, 0)
        assert told(driver, tp, b"aa") == {0: 1}
        task = driver.workers[0].tasks[tp]
        driver._run(task.close())
        with pytest.raises(NotReadyError, match="closed"):
            driver.open_counts(tp, b"aa")
