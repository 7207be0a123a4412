"""What the demo has read so far: final results by window, and how the worker does."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass, field

RATE_SECONDS = 5.0


def now_ms() -> int:
    """The wall clock in ms since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Final:
    """One record of the output topic, window bounds in ms since the epoch."""

    hashtag: str
    count: int
    window_start: int
    window_end: int

    @classmethod
    def decode(cls, value: bytes) -> Final:
        """The inverse of the job's ``as_json``."""
        return cls(**json.loads(value))


@dataclass
class Window:
    """The final results of one closed window."""

    start: int
    end: int
    counts: dict[str, int] = field(default_factory=dict)
    complete_at: int = 0

    def top(self, n: int) -> list[tuple[str, int]]:
        """The most frequent hashtags; those with the same count by their name."""
        return sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:n]

    @property
    def delay_seconds(self) -> float:
        """From the window's end to the moment when we could read the last of its finals."""
        return (self.complete_at - self.end) / 1000


@dataclass
class Results:
    """How many finals there were, of which windows (their starts), and those of the newest."""

    finals: int = 0
    windows: set[int] = field(default_factory=set)
    newest: Window | None = None

    def add(self, final: Final) -> None:
        """Take one in; those of a window that is no longer the newest are only counted."""
        self.finals += 1
        self.windows.add(final.window_start)
        if self.newest is None or final.window_start > self.newest.start:
            self.newest = Window(final.window_start, final.window_end)
        if final.window_start == self.newest.start:
            self.newest.counts[final.hashtag] = final.count
            self.newest.complete_at = now_ms()

    def __str__(self) -> str:
        n = len(self.windows)
        return f"{self.finals:,} of {n:,} window{'' if n == 1 else 's'}"


@dataclass(frozen=True)
class WorkerStatus:
    """What the worker says of itself, by ``/health`` and ``/metrics``."""

    health: str
    tasks: int = 0
    running: int = 0
    records: int = 0

    @property
    def ready(self) -> bool:
        """Whether all of its tasks run, and it has some."""
        return 0 < self.tasks == self.running

    def __str__(self) -> str:
        if not self.tasks:
            return self.health
        return f"{self.health}, {self.running} of {self.tasks} tasks run"


class Rate:
    """How fast a running total has grown lately."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, total: int, at: float) -> None:
        """Note the total ``at`` a time in seconds."""
        self._seen.append((at, total))
        while at - self._seen[0][0] > RATE_SECONDS:
            self._seen.popleft()

    @property
    def per_second(self) -> float:
        if not self._seen:
            return 0.0
        (begin, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / (end - begin) if end > begin else 0.0
