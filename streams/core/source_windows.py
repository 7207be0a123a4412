"""What any first stage keeps of one input partition: stream time, lateness, what is set aside.

Lateness is judged here, before any shuffle: stream time follows the highest time of this
partition's records, in the order of their offsets, so what is late depends on the partition's
contents alone. Which of them move it, and how far it stays behind, is for the subclasses to say.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.core.partials import KeyValues
from streams.core.windows import NO_TIME, TumblingWindows


class Aside(NamedTuple):
    """A record that is not taken: late, or a dead letter with its reason."""

    offset: int
    timestamp: int
    value: bytes | None
    reason: str
    key: bytes | None = None


@dataclass(slots=True)
class Collected:
    """What came of a source since its last commit: windows[window start][partition]."""

    windows: dict[int, list[KeyValues[Any]]] = field(default_factory=dict)
    late: list[Aside] = field(default_factory=list)
    rejected: list[Aside] = field(default_factory=list)
    records: int = 0

    def add(self, start: int, by_partition: list[KeyValues[Any]]) -> None:
        """Take over accumulators of the window at `start`, a part for each partition."""
        before = self.windows.setdefault(start, by_partition)
        if before is not by_partition:
            for had, more in zip(before, by_partition, strict=True):
                had.keys.extend(more.keys)
                had.values.extend(more.values)


class SourceWindows(ABC):
    """See the module. All times in ms."""

    def __init__(self, windows: TumblingWindows, stream_time: int = NO_TIME) -> None:
        self._windows = windows
        self.stream_time = stream_time
        self._pending = Collected()

    @property
    @abstractmethod
    def distinct(self) -> int:
        """Accumulators that are not handed over yet, over all windows."""

    @property
    def has_asides(self) -> bool:
        """Whether late or rejected records are waiting to be handed over."""
        return bool(self._pending.late or self._pending.rejected)

    def take(self) -> Collected:
        """Hand over what came since the last call, and start anew."""
        taken, self._pending = self._pending, Collected()
        self._hand_over(taken)
        return taken

    def advance(self, stream_time: int) -> None:
        """Raise stream time; never lowers it."""
        self.stream_time = max(self.stream_time, stream_time)

    @abstractmethod
    def _hand_over(self, taken: Collected) -> None:
        """Add all accumulators to what is taken."""
