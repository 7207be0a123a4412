"""What the finals have to be, by brute force; imports nothing of what it judges."""

from collections import Counter, defaultdict

TRIMMED = "".join(map(chr, range(33)))


class Reference:
    """Counts records one by one, in the order of their partitions. All times in ms.

    `newest` is the latest timestamp that is counted: the wall clock and the bound ahead of it.
    """

    def __init__(
        self, partitions: int, window: int, grace: int, above: int, max_bytes: int, newest: int
    ) -> None:
        self.stream_times = [-1] * partitions
        self._window, self._grace, self._above = window, grace, above
        self._max_bytes, self._newest = max_bytes, newest
        self._counts: defaultdict[int, Counter[str]] = defaultdict(Counter)

    def add(self, partition: int, value: bytes | None, timestamp: int) -> None:
        """Count a record, unless it is a dead letter, filtered out or late."""
        if value is None or len(value) > self._max_bytes or not 0 <= timestamp <= self._newest:
            return
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return
        if len(text.encode("utf-16-le")) <= 2:
            return
        self.stream_times[partition] = max(self.stream_times[partition], timestamp)
        start = timestamp // self._window * self._window
        if start + self._window + self._grace > self.stream_times[partition]:
            self._counts[start][text.lower().strip(TRIMMED)] += 1

    def first_open(self, stream_time: int) -> int:
        """Start of the oldest window that is not closed at `stream_time`."""
        return (stream_time - self._grace) // self._window * self._window

    def take(self, before: int) -> dict[int, dict[str, int]]:
        """The finals of all windows that start `before` a time; they are forgotten here."""
        taken = {start: self._counts.pop(start) for start in sorted(self._counts) if start < before}
        return {
            start: {tag: n for tag, n in counts.items() if n > self._above}
            for start, counts in taken.items()
        }
