"""What the finals have to be, by brute force; imports nothing of what it judges."""

from collections import Counter
from collections.abc import Sequence

Rows = Sequence[tuple[bytes | None, int]]


def finals(
    partitions: Sequence[Rows], window: int, grace: int, above: int
) -> dict[tuple[str, int], int]:
    """{(hashtag, window start): count} from each partition's (value, timestamp) rows, in ms."""
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
    return {
        (tag, start): n
        for (tag, start), n in counts.items()
        if n > above and start + window + grace <= min(stream_times)
    }
