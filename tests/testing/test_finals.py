"""The finals depend on the partitions' contents alone, whatever a cluster leaves open."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.testing import TestDriver
from tests import reference
from tests.testing.hashtag_job import CLOSER, INPUT, OUTPUT, PARTIALS, feed, finals, job
from tests.testing.inputs import Row, inputs, seeds

ABOVE = 1
WINDOW = 20_000


def drive(rows: list[list[Row]], grace: int, seed: int, workers: int = 2) -> TestDriver:
    """Feed the rows bit by bit, in a random order of all that may happen in any order."""
    random = Random(seed)
    driver = TestDriver(
        job(grace_ms=grace, min_mentioned=ABOVE, close_chunk=random.randint(1, 4)),
        partitions={INPUT: len(rows), PARTIALS: random.randint(1, 3), OUTPUT: 2},
        workers=workers,
        fetch_records=random.randint(1, 12),
        random=random,
    )
    unfed = [list(partition) for partition in rows]
    while any(unfed):
        feed(driver, [[part.pop(0) for _ in part[: random.randint(0, 5)]] for part in unfed])
        driver.run_until_idle(turns=random.randint(1, 20))
    driver.run_until_idle()
    return driver


@pytest.mark.parametrize("grace", [0, 20_000])
@pytest.mark.parametrize("partitions", [1, 3])
@settings(max_examples=120)
@given(data=st.data(), seed=seeds())
def test_finals_are_those_of_the_reference(
    data: st.DataObject, partitions: int, grace: int, seed: int
) -> None:
    rows = data.draw(inputs(partitions))
    with drive(rows, grace, seed) as driver:
        assert finals(driver) == reference.finals(rows, WINDOW, grace, ABOVE)
        assert not driver.failures


@settings(max_examples=60)
@given(rows=inputs(3), seed=seeds(), workers=st.integers(1, 5))
def test_finals_are_the_same_for_any_number_of_workers(
    rows: list[list[Row]], seed: int, workers: int
) -> None:
    closed = [[*partition, CLOSER] for partition in rows]
    with drive(closed, 0, seed, workers) as driver:
        assert finals(driver) == reference.finals(closed, WINDOW, 0, ABOVE)
