"""What the finals have to be, by brute force; imports nothing of what it judges."""

from collections import Counter
from collections.abc import Sequence

Rows = Sequence[tuple[bytes | None, int]]


#: {(hashtag, window start): count}
Counts = dict[tuple[str, int], int]


def finals(partitions: Sequence[Rows], window: int, grace: int, above: int) -> Counts:
    """The finals that come of each partition's (value, timestamp) rows; times in ms."""
    counts, closed_until = _counts(partitions, window, grace)
    return {
        (tag, start): n
        for (tag, start), n in counts.items()
        if n > above and start + window + grace <= closed_until
    }


def open_counts(partitions: Sequence[Rows], window: int, grace: int) -> Counts:
    """The counts of the windows that stay open, once all rows are counted."""
    counts, closed_until = _counts(partitions, window, grace)
    return {
        (tag, start): n
        for (tag, start), n in counts.items()
        if start + window + grace > closed_until
    }


def _counts(partitions: Sequence[Rows], window: int, grace: int) -> tuple[Counts, int]:
    """All counts, and the time that all partitions have come to."""
    counts: Counter[tuple[str, int]] = Counter()
    stream_times = [-1] * len(partitions)
    for i, rows in enumerate(partitions):
        for value, timestamp in rows:
            try:
                text = (value or b"").decode()
            except UnicodeDecodeError:
                continue
            if len(text.encode("utf-16-le")) <= 2 or timestamp < 0:
                continue
            stream_times[i] = max(stream_times[i], timestamp)
            start = timestamp // window * window
            if start + window + grace > stream_times[i]:
                counts[text.lower().strip("".join(map(chr, range(33)))), start] += 1
    return counts, min(stream_times)
