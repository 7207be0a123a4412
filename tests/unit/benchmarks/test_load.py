"""Event time of what is loaded."""

import itertools

import pytest

from benchmarks.hashtags import Population
from benchmarks.load import Load, _timestamps


@pytest.mark.parametrize(("rate", "grace"), [(5_555, 0), (50_000, 20_000), (277_777, 2_000)])
def test_event_time_ends_just_beyond_a_close(rate: int, grace: int) -> None:
    window = 20_000
    draws = Population(10, 1.0).draw()
    what = Load(200_000, 1_763_000_012_345, window, grace, rate, draws)
    newest = max(_timestamps(what, 190_000, 200_000))
    assert 0 <= (newest - grace) % window < 1_000
    assert newest < what.now


def test_in_turns_every_hashtag_comes_once() -> None:
    population = Population(25_000, 1.0)
    drawn = list(itertools.chain.from_iterable(itertools.islice(population.in_turns(), 3)))
    assert sorted(drawn) == sorted(population.values)
    assert len({value.lower() for value in drawn}) == 22_500
