"""CPU seconds of groups of processes over time, so that one can ask for any moment afterwards."""

import bisect
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Self

from benchmarks.proc import cpu_seconds

EVERY_SECONDS = 0.1

Pids = Callable[[], Iterable[int]]


class CpuSampler:
    """Samples, in a thread, what each group of processes has used."""

    def __init__(self, groups: Mapping[str, Pids]) -> None:
        self._groups = groups
        self._times: list[float] = []
        self._used: dict[str, list[float]] = {name: [] for name in groups}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cpu-sampler")

    def __enter__(self) -> Self:
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def used(self, name: str, since: float, until: float) -> float:
        """CPU seconds that a group has used between two moments (monotonic seconds)."""
        return self._at(name, until) - self._at(name, since)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self._sample()

    def _sample(self) -> None:
        self._times.append(time.monotonic())
        for name, pids in self._groups.items():
            self._used[name].append(sum(cpu_seconds(pid) for pid in pids()))

    def _at(self, name: str, moment: float) -> float:
        times, used = self._times, self._used[name]
        i = min(max(1, bisect.bisect(times, moment)), len(times) - 1)
        if i == 0:
            return used[0]
        share = (moment - times[i - 1]) / (times[i] - times[i - 1])
        return used[i - 1] + (used[i] - used[i - 1]) * min(max(share, 0.0), 1.0)
