"""Which faults a run suffers, and when: all of it follows from the seed."""

import random
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from typing import NamedTuple

SLOTS = ("W1", "W2", "W3")
BROKERS = (1, 2, 3)


class Kind(Enum):
    """What can be done to a worker, to a broker, and to the network between them."""

    KILL = "SIGKILL a worker"
    WIPE = "SIGKILL a worker, wipe its disk"
    REPLACE = "SIGKILL a worker, start another one"
    STOP = "SIGTERM a worker"
    FREEZE = "SIGSTOP a worker"
    BROKER_KILL = "SIGKILL a broker"
    BROKER_PAUSE = "SIGSTOP a broker"
    CUT = "cut connections"
    HOLE = "black hole"
    DELAY = "delay"


class Range(NamedTuple):
    """From one to another."""

    low: float
    high: float


class Habit(NamedTuple):
    """How often a kind comes, relative to the others, and how long it lasts, in s."""

    weight: int
    seconds: Range


WORKER_KINDS = (Kind.KILL, Kind.WIPE, Kind.REPLACE, Kind.STOP, Kind.FREEZE)
BROKER_KINDS = (Kind.BROKER_KILL, Kind.BROKER_PAUSE)
#: A session lasts 6 s, a request or transaction 10 s, a broker's session 4 s: some faults are
#: shorter, some longer. SIGSTOP always outlasts the session.
HABITS = {
    Kind.KILL: Habit(14, Range(0, 8)),
    Kind.WIPE: Habit(8, Range(0, 5)),
    Kind.REPLACE: Habit(8, Range(0, 3)),
    Kind.STOP: Habit(8, Range(0, 5)),
    Kind.FREEZE: Habit(12, Range(7.5, 13)),
    Kind.BROKER_KILL: Habit(12, Range(0, 5)),
    Kind.BROKER_PAUSE: Habit(10, Range(1, 9)),
    Kind.CUT: Habit(10, Range(0.5, 9)),
    Kind.HOLE: Habit(10, Range(1, 14)),
    Kind.DELAY: Habit(8, Range(2, 8)),
}
#: Seconds from the beginning of a fault to that of the next.
PAUSE = Range(1, 9)
#: Added latency, in s.
LATENCY = Range(0.05, 1)
#: How often a network fault lies between a worker and all brokers, not a single one.
ALL_BROKERS = 0.4


class Fault(NamedTuple):
    """One fault; `slot` is the worker that is hurt, `brokers` those that are, or the links' ends.

    It begins `after` s after the one before, and is over after `seconds`. `latency` is in s.
    """

    kind: Kind
    after: float
    seconds: float
    slot: str | None = None
    brokers: tuple[int, ...] = ()
    latency: float = 0.0

    def __str__(self) -> str:
        slot = f" {self.slot}" if self.slot else ""
        brokers = f" {'/'.join(map(str, self.brokers))}" if self.brokers else ""
        latency = f" by {self.latency * 1000:.0f} ms" if self.latency else ""
        return f"{self.kind.value}{slot}{brokers}{latency} for {self.seconds:.1f} s"


def faults(seed: int) -> Iterator[Fault]:
    """The endless sequence of a seed. Each run of it begins alike, however many it takes."""
    random_ = random.Random(f"faults-{seed}")
    kinds, habits = zip(*HABITS.items(), strict=True)
    weights = [habit.weight for habit in habits]
    while True:
        [kind] = random_.choices(kinds, weights)
        after = random_.uniform(*PAUSE)
        seconds = random_.uniform(*HABITS[kind].seconds)
        slot, broker = random_.choice(SLOTS), random_.choice(BROKERS)
        if kind in WORKER_KINDS:
            yield Fault(kind, after, seconds, slot)
        elif kind in BROKER_KINDS:
            yield Fault(kind, after, seconds, None, (broker,))
        else:
            brokers = BROKERS if random_.random() < ALL_BROKERS else (broker,)
            latency = random_.uniform(*LATENCY) if kind is Kind.DELAY else 0.0
            yield Fault(kind, after, seconds, slot, brokers, latency)


def plan(seed: int, n: int) -> list[Fault]:
    """The first n faults of a seed."""
    return list(islice(faults(seed), n))
