"""Which faults a seed makes, and which may be in effect together."""

from collections import Counter

import pytest

from tests.faults.begin import may_begin
from tests.faults.gaps import Span, longest_gaps, merged
from tests.faults.plan import BROKERS, HABITS, PAUSE, WORKER_KINDS, Fault, Kind, plan


def fault(kind: Kind, slot: str | None = None, *brokers: int) -> Fault:
    return Fault(kind, after=1, seconds=5, slot=slot, brokers=brokers)


def test_follows_from_the_seed() -> None:
    assert plan(1, 50) == plan(1, 80)[:50]
    assert plan(1, 50) != plan(2, 50)


@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_faults_are_of_all_kinds_and_eight_a_minute(seed: int) -> None:
    faults = plan(seed, 100)
    assert Counter(fault.kind for fault in faults).keys() == set(Kind)
    assert sum(fault.after for fault in faults) < 100 / 8 * 60
    for made in faults:
        assert PAUSE.low <= made.after <= PAUSE.high
        low, high = HABITS[made.kind].seconds
        assert low <= made.seconds <= high
        assert (made.slot is None) == (made.kind in (Kind.BROKER_KILL, Kind.BROKER_PAUSE))
        assert bool(made.brokers) == (made.kind not in WORKER_KINDS)
        assert bool(made.latency) == (made.kind is Kind.DELAY)


BROKER = fault(Kind.BROKER_KILL, None, 1)
ALL_CUT = fault(Kind.CUT, "W1", *BROKERS)
KILL = fault(Kind.KILL, "W1")


@pytest.mark.parametrize(
    ("active", "begins", "may"),
    [
        ([], KILL, True),
        ([BROKER], KILL, True),
        ([KILL], BROKER, True),
        ([BROKER], fault(Kind.BROKER_PAUSE, None, 2), False),
        ([KILL], fault(Kind.FREEZE, "W1"), False),
        ([KILL], fault(Kind.FREEZE, "W2"), True),
        ([KILL, fault(Kind.FREEZE, "W2")], fault(Kind.STOP, "W3"), False),
        ([KILL, fault(Kind.FREEZE, "W2")], fault(Kind.HOLE, "W3", *BROKERS), False),
        ([KILL, fault(Kind.FREEZE, "W2")], fault(Kind.HOLE, "W3", 2), True),
        ([KILL, fault(Kind.FREEZE, "W2")], BROKER, True),
        ([KILL], ALL_CUT, True),
        ([ALL_CUT], KILL, True),
        ([fault(Kind.HOLE, "W1", 2)], ALL_CUT, False),
        ([fault(Kind.HOLE, "W1", 2)], fault(Kind.CUT, "W1", 3), True),
        ([fault(Kind.HOLE, "W1", 2)], fault(Kind.CUT, "W2", 2), True),
    ],
)
def test_which_may_begin(active: list[Fault], begins: Fault, may: bool) -> None:
    assert may_begin(begins, active) is may


def test_the_longest_gap_of_each_kind() -> None:
    arrivals = [0.0, 1.0, 5.0, 6.0, 16.0, 17.0]
    spans = [Span("kill", 2, 3), Span("kill", 5.5, 5.8), Span("cut", 3, 9), Span("stop", 16, 17)]
    gaps = longest_gaps(arrivals, spans)
    assert gaps == {"kill": 4.0, "cut": 10.0, "stop": 1.0}
    assert merged(gaps, {"kill": 7.0, "delay": 2.0}) == {
        "kill": 7.0,
        "cut": 10.0,
        "stop": 1.0,
        "delay": 2.0,
    }
