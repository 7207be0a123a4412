"""Windows and latest prices are those of a brute-force reference, whatever comes in between."""

import itertools
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.columns import TP
from streams.errors import FingerprintMismatchError
from streams.testing import TestDriver
from streams.testing.clock import BEGINNING
from tests import ticker_reference
from tests.testing.hashtag_job import asides
from tests.testing.inputs import seeds
from tests.testing.ticker_job import (
    ABOVE,
    CHANGELOG,
    CLOSER,
    DEAD_LETTERS,
    DELAY,
    INPUT,
    LATE,
    OUTPUT,
    PARTIALS,
    WINDOW,
    feed,
    inputs,
    job,
    quote,
)
from tests.ticker_output import TickerOutput
from tests.ticker_reference import Expected, Values


def expected(partitions: Sequence[Values], grace: int = 0) -> Expected:
    return ticker_reference.expected(partitions, WINDOW, grace, DELAY, ABOVE)


def check(driver: TestDriver, partitions: Sequence[Values], grace: int = 0) -> None:
    """Everything the job wrote is what the input calls for, no more and no less."""
    wanted = expected(partitions, grace)
    TickerOutput().take(driver.read_output(OUTPUT)).check(wanted)
    for topic, places in ((LATE, wanted.late), (DEAD_LETTERS, wanted.malformed)):
        found = [(int(p), int(offset), value) for p, offset, value in asides(driver, topic)]
        assert sorted(found) == [(p, offset, partitions[p][offset]) for p, offset in places]


def drive(partitions: Sequence[Values], grace: int, seed: int, workers: int = 2) -> TestDriver:
    """Feed the values bit by bit, in a random order of all that may happen in any order."""
    random = Random(seed)
    driver = TestDriver(
        job(grace_ms=grace, close_chunk=random.randint(1, 3)),
        partitions={INPUT: len(partitions), PARTIALS: random.randint(1, 3), OUTPUT: 2},
        workers=workers,
        fetch_records=random.randint(1, 12),
        random=random,
    )
    unfed = [list(values) for values in partitions]
    while any(unfed):
        feed(driver, [[part.pop(0) for _ in part[: random.randint(0, 5)]] for part in unfed])
        driver.run_until_idle(turns=random.randint(1, 20))
    driver.run_until_idle()
    return driver


@pytest.mark.parametrize("grace", [0, 30_000])
@pytest.mark.parametrize("partitions", [1, 3])
@settings(max_examples=60, deadline=None)
@given(data=st.data(), seed=seeds())
def test_all_that_is_written_is_that_of_the_reference(
    data: st.DataObject, partitions: int, grace: int, seed: int
) -> None:
    values = data.draw(inputs(partitions))
    with drive(values, grace, seed) as driver:
        check(driver, values, grace)
        assert not driver.failures


@settings(max_examples=60, deadline=None)
@given(values=inputs(2), seed=seeds(), crashes=st.lists(st.integers(1, 150), max_size=3))
def test_crashes_change_nothing(
    values: list[list[bytes | None]], seed: int, crashes: list[int]
) -> None:
    random = Random(seed)
    closed = [[*partition, CLOSER] for partition in values]
    with TestDriver(
        job(close_chunk=1),
        partitions={INPUT: 2, PARTIALS: 2},
        workers=2,
        fetch_records=4,
        random=random,
    ) as driver:
        feed(driver, closed)
        for at in crashes:
            driver.kill_at(at)
            driver.run_until_idle()
            dead = [i for i, worker in enumerate(driver.workers) if not worker.alive]
            for worker in dead:
                driver.restart_worker(worker, disk=random.choice(["same", "empty"]))
            if not dead:
                driver.kill_at(0)
        driver.kill_at(0)
        driver.run_until_idle()
        check(driver, closed)


EARLIER: list[Values] = [
    [
        quote("A", 1_000, 51),
        quote("B", 2_000, 52),
        b"{",
        quote("A", 500, 53),
        quote("B", 70_000, 54),
    ],
    [quote("A", 61_000, 55), quote("C", 30_000, 56), quote("A", 1_000, 57)],
]
LATER: list[Values] = [
    [quote("C", 100, 58), quote("A", 60_000, 50), CLOSER],
    [quote("A", 61_000, 59), CLOSER],
]
ALL = [[*one, *other] for one, other in zip(EARLIER, LATER, strict=True)]


@pytest.mark.parametrize("disk", ["same", "empty"])
def test_every_await_is_a_place_to_die_at(disk: str) -> None:
    for at in itertools.count(1, 3):
        with TestDriver(
            job(close_chunk=1),
            partitions={INPUT: 2, PARTIALS: 2},
            workers=2,
            fetch_records=3,
            random=Random(7),
        ) as driver:
            feed(driver, EARLIER)
            driver.run_until_idle(turns=25)
            plan = driver.kill_at(at)
            feed(driver, LATER)
            driver.run_until_idle()
            for i, worker in enumerate(driver.workers):
                if not worker.alive:
                    driver.restart_worker(i, disk="empty" if disk == "empty" else "same")
            driver.run_until_idle()
            check(driver, ALL)
            if plan.struck is None:
                assert at > 30
                return


def told(driver: TestDriver) -> list[tuple[int, float]]:
    """What was told of A's latest price."""
    return TickerOutput().take(driver.read_output(OUTPUT)).latest["A"]


def test_the_latest_price_is_told_when_it_changes_and_only_then() -> None:
    with TestDriver(job()) as driver:
        for time, price in [(1_000, 51), (2_000, 52), (500, 60), (2_000, 52), (2_000, 53)]:
            driver.produce(INPUT, quote("A", time, price), 0)
            driver.run_until_idle()
        assert told(driver) == [(1_000, 51), (2_000, 52), (2_000, 53)]
        # A quote that is late for its window may still be the first of its symbol.
        driver.produce(INPUT, quote("A", 900_000, 61), 0)
        driver.produce(INPUT, quote("RARE", 3, 62), 0)
        driver.run_until_idle()
        assert told(driver)[-1] == (900_000, 61)
        assert TickerOutput().take(driver.read_output(OUTPUT)).latest["RARE"] == [(3, 62)]
        assert [offset for _, offset, _ in asides(driver, LATE)] == [b"6"]


def test_latest_prices_outlive_their_windows_the_changelogs_tombstones_and_the_disk() -> None:
    with TestDriver(job()) as driver:
        feed(driver, [[quote("A", 1_000, 51), CLOSER]])
        driver.run_until_idle()
        driver.broker.compact(CHANGELOG, drop_tombstones=True)
        driver.restart_worker(0, disk="empty")
        feed(driver, [[quote("A", 999, 60)]])
        driver.run_until_idle()
        assert told(driver) == [(1_000, 51)]
        feed(driver, [[quote("A", 1_001, 61)]])
        driver.run_until_idle()
        assert told(driver) == [(1_000, 51), (1_001, 61)]


def test_a_quote_too_far_ahead_is_a_dead_letter_and_moves_no_time() -> None:
    bound = BEGINNING + 3_600_000
    with TestDriver(job()) as driver:
        feed(driver, [[quote("A", bound + 1, 51), quote("A", 0, 52)]])
        driver.run_until_idle()
        [letter] = driver.read_output(DEAD_LETTERS)
        assert letter.headers["reason"] == b"event time too far ahead of the wall clock"
        assert letter.key == b"any"
        assert told(driver) == [(0, 52)]
        assert driver.read_output(LATE) == []


def test_an_idle_source_closes_its_last_window() -> None:
    with TestDriver(job(window_idle_ms=10_000)) as driver:
        now = driver.clock.now()
        feed(driver, [[quote("A", now, 51)]])
        driver.run_until_idle()
        driver.advance_time(WINDOW + 10_000)
        driver.run_until_idle()
        [(_, start)] = TickerOutput().take(driver.read_output(OUTPUT)).candles
        assert start == now // WINDOW * WINDOW


def test_other_settings_are_refused() -> None:
    with TestDriver(job()) as driver:
        feed(driver, [[quote("A", 0, 51)]])
        driver.run_until_idle()
        with pytest.raises(FingerprintMismatchError, match="grace_ms was 0 and is now 5"):
            TestDriver(job(grace_ms=5), broker=driver.broker)


def test_partials_of_prices_have_the_offsets_of_their_source() -> None:
    """The chain is the same code, and what it holds is small whatever came."""
    with TestDriver(job()) as driver:
        feed(driver, [[quote("A", n, 51 + n) for n in range(500)]])
        driver.deliver(TP(INPUT, 0))
        driver.commit(TP(INPUT, 0))
        [record] = driver.read_output(PARTIALS)
        assert len(record.value or b"") < 300
