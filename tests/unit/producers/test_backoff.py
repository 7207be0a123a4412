"""Waits double, stay bounded, and are never shorter than they should be."""

import random

from producers.backoff import Backoff


def test_doubles_up_to_the_cap() -> None:
    backoff = Backoff(1, 10, random.Random(1))
    waits = [backoff.next_s() for _ in range(2000)]
    for expected, wait in zip([1, 2, 4, 8, 10, 10], waits, strict=False):
        assert expected <= wait <= expected * 1.25
    assert max(waits) <= 12.5
    assert len(set(waits[10:])) > 1


def test_reset() -> None:
    backoff = Backoff(1, 10, random.Random(1))
    backoff.next_s()
    backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 1.25
