"""What a worker's finals have to be, computed here by brute force; imports nothing of `streams`."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

#: Counts above the job's threshold by (hashtag, window end in ms).
Finals = dict[tuple[bytes, int], int]


class Reference:
    """Counts records as they are loaded, partition by partition in the order of their offsets."""

    def __init__(self, partitions: int, window_ms: int, grace_ms: int, above: int) -> None:
        self._window_ms = window_ms
        self._grace_ms = grace_ms
        self._above = above
        self._stream_times = [-1] * partitions
        self._counts: dict[int, Counter[bytes]] = {}
        self.late = 0

    def add(self, partition: int, value: bytes, timestamp: int) -> None:
        """Count a record, unless it is late in its own partition."""
        self._stream_times[partition] = max(self._stream_times[partition], timestamp)
        end = timestamp - timestamp % self._window_ms + self._window_ms
        if end + self._grace_ms <= self._stream_times[partition]:
            self.late += 1
            return
        if end not in self._counts:
            self._counts[end] = Counter()
        self._counts[end][value] += 1

    def add_all(self, partition: int, values: list[bytes], timestamps: list[int]) -> None:
        """Count records in the order of their offsets."""
        first, last = min(timestamps), max(timestamps)
        end = first - first % self._window_ms + self._window_ms
        newest = max(self._stream_times[partition], last)
        if last < end and end + self._grace_ms > newest:
            # All in one window, and whatever the order none is late: no need to look at each.
            self._stream_times[partition] = newest
            self._counts.setdefault(end, Counter()).update(values)
        else:
            for value, timestamp in zip(values, timestamps, strict=True):
                self.add(partition, value, timestamp)

    def finals(self) -> Finals:
        """The finals of all windows that every partition has passed."""
        passed = min(self._stream_times)
        found: Counter[tuple[bytes, int]] = Counter()
        for end, counts in self._counts.items():
            if end + self._grace_ms <= passed:
                for value, n in counts.items():
                    found[value.lower(), end] += n
        return {key: n for key, n in found.items() if n > self._above}


class Verdict(NamedTuple):
    """How a worker's finals differ from the reference. All zero: they don't."""

    missing: int
    extra: int
    wrong: int
    repeated: int

    @property
    def exact(self) -> bool:
        """Whether nothing differs."""
        return not any(self)


def judge(expected: Finals, seen: Mapping[tuple[bytes, int], list[int]]) -> Verdict:
    """Compare `seen`, all counts that were read for each key and window, with the reference."""
    return Verdict(
        missing=sum(key not in seen for key in expected),
        extra=sum(key not in expected for key in seen),
        wrong=sum(n != expected[key] for key, ns in seen.items() if key in expected for n in ns),
        repeated=sum(len(ns) - 1 for ns in seen.values()),
    )
