"""A run of faults: two processes archive while quotes are written, and are killed and frozen."""

import contextlib
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.archive.archiving import PARTITIONS, SECONDS, Archiving
from tests.polling import until
from tests.worker import Worker

#: Where a process dies by itself. With so few each, it gets there in its first interval.
POINTS = ("after-plan:1", "in-upload:1", "in-upload:2", "after-upload:1", "before-end:1")
#: Of so many kills one comes after the other process has slept through its session.
SLEEP_EVERY = 5
#: Quotes that are written once more if a process still hasn't met its point.
SOME = 600
#: Seconds that the last intervals may take.
FINISH_SECONDS = 600


class Run:
    """Its faults follow from the seed, their moments from the machine.

    `records` are written at each of so many `kills`, and a few more.
    """

    def __init__(self, archiving: Archiving, seed: int, records: int, kills: int) -> None:
        self._archiving = archiving
        self._seed = seed
        self._random = random.Random(seed)
        self._records = records
        self._kills = kills
        self._parts = 0

    def run(self) -> str:
        """Do it all, and compare bucket and topic; returns what it was."""
        self._archiving.start("victim")
        self._archiving.start("sleeper")
        for n in range(self._kills):
            if n % SLEEP_EVERY == SLEEP_EVERY - 1:
                self._sleep()
                self._die_anywhere()
            elif n % 2:
                self._die_at_a_point()
            else:
                self._die_anywhere()
            print(f"{n + 1} of {self._kills} kills", flush=True)
        self._living("victim").until_running(seconds=SECONDS)
        return self._archiving.finish(FINISH_SECONDS)

    def _die_anywhere(self) -> None:
        victim = self._living("victim").until_running(seconds=SECONDS)
        with self._writing(self._records):
            self._archiving.until_more(self._random.randrange(1, 30))
            victim.kill()

    def _die_at_a_point(self) -> None:
        victim = self._archiving.start("victim", self._random.choice(POINTS))
        self._write(self._records)
        self._write_until(lambda: not victim.alive, "it dies at its point")
        victim.until_killed()

    def _sleep(self) -> None:
        """Freeze a process as it uploads; wake it up while or after another does the same."""
        archiving, sleeper = self._archiving, self._archiving.worker("sleeper")
        owner = self._living("victim")
        sleeper.kill()
        archiving.start("sleeper", f"in-upload:{self._random.randrange(1, 4)}:stop")
        self._write_until(sleeper.froze, "it freezes as it uploads")
        owner.until_running(PARTITIONS, SECONDS)
        if self._random.random() < 0.5:
            archiving.until_done()
        before = archiving.bucket.repeats()
        sleeper.thaw()
        until(lambda: archiving.bucket.repeats() > before, "it uploads", SECONDS, archiving.tails)
        sleeper.until_running(seconds=SECONDS)

    def _living(self, name: str) -> Worker:
        worker = self._archiving.worker(name)
        return worker if worker.alive else self._archiving.start(name)

    def _write(self, n: int) -> None:
        self._parts += 1
        self._archiving.write_quotes(n, self._seed, self._parts)

    def _write_until(self, holds: Callable[[], bool], what: str) -> None:
        """Write a little again and again, so that there is something to do."""

        def holds_now() -> bool:
            if holds():
                return True
            self._write(SOME)
            return False

        until(holds_now, what, SECONDS, self._archiving.tails)

    @contextlib.contextmanager
    def _writing(self, n: int) -> Iterator[None]:
        """Quotes are written meanwhile."""
        with ThreadPoolExecutor(1) as pool:
            written = pool.submit(self._write, n)
            yield
            written.result()
