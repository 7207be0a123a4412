"""Faults at random, one after the other: crashes, lost answers, zombies, moves, compaction."""

from collections.abc import Callable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import StoreError, TransactionError
from streams.testing import TestDriver
from tests import reference
from tests.testing.hashtag_job import (
    CHANGELOG,
    CLOSER,
    DEAD_LETTERS,
    INPUT,
    PARTIALS,
    asides,
    feed,
    finals,
    job,
)
from tests.testing.inputs import Row, inputs, seeds

WORKERS = 3
WINDOW = 20_000


def crash(driver: TestDriver, random: Random) -> None:
    driver.kill_at(random.randint(1, 40))


def lose_an_answer(driver: TestDriver, random: Random) -> None:
    driver.fail_at(random.randint(1, 40), random.choice([TransactionError, StoreError]))


def kill(driver: TestDriver, random: Random) -> None:
    driver.crash_worker(random.randrange(WORKERS))


def restart(driver: TestDriver, random: Random) -> None:
    driver.restart_worker(random.randrange(WORKERS), random.choice(["same", "empty"]))


def pause(driver: TestDriver, random: Random) -> None:
    driver.pause_worker(random.randrange(WORKERS))


def resume(driver: TestDriver, random: Random) -> None:
    driver.resume_worker(random.randrange(WORKERS))


def move(driver: TestDriver, random: Random) -> None:
    driver.move_task(random.choice(sorted(driver.tasks())), random.randrange(WORKERS))


def compact(driver: TestDriver, random: Random) -> None:
    driver.broker.compact(CHANGELOG, drop_tombstones=random.random() < 0.5)


FAULTS = [
    crash,
    crash,
    lose_an_answer,
    kill,
    restart,
    restart,
    pause,
    resume,
    resume,
    move,
    compact,
]


@settings(max_examples=250)
@given(rows=inputs(2, size=15), seed=seeds(), faults=st.lists(st.sampled_from(FAULTS), max_size=12))
def test_finals_survive_any_faults(
    rows: list[list[Row]], seed: int, faults: list[Callable[[TestDriver, Random], None]]
) -> None:
    random = Random(seed)
    rows = [[*partition, CLOSER] for partition in rows]
    with TestDriver(
        job(min_mentioned=1, close_chunk=random.randint(1, 3)),
        partitions={INPUT: 2, PARTIALS: 2},
        workers=WORKERS,
        fetch_records=4,
        random=random,
    ) as driver:
        unfed = [list(partition) for partition in rows]
        for fault in faults:
            feed(driver, [[part.pop(0) for _ in part[:2]] for part in unfed])
            driver.run_until_idle(turns=random.randint(1, 15))
            fault(driver, random)
        feed(driver, unfed)
        driver.kill_at(0)
        for worker in range(WORKERS):
            driver.resume_worker(worker)
        driver.run_until_idle()
        for worker in range(WORKERS):
            driver.restart_worker(worker)
        driver.run_until_idle()
        assert finals(driver) == reference.finals(rows, WINDOW, 0, 1)
        rejected = [
            (b"%d" % p, b"%d" % offset, value)
            for p, partition in enumerate(rows)
            for offset, (value, _) in enumerate(partition)
            if value in (None, b"\xff\xfe")
        ]
        assert asides(driver, DEAD_LETTERS) == sorted(rejected)
