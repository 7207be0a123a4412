"""A few hashtags in each of some windows, and the finals that they come to."""

from tests.load import Row

WINDOW_MS = 20_000


def rows(tags: int, windows: int) -> tuple[list[Row], set[tuple[str, int]]]:
    """One partition's rows, and the (hashtag, window start) of their finals, each of count 5."""
    made: list[Row] = []
    for window in range(windows):
        for tag in range(tags):
            made += [(f"#tag{tag}".encode(), window * WINDOW_MS + n) for n in range(5)]
    found = {(f"#tag{tag}", window * WINDOW_MS) for tag in range(tags) for window in range(windows)}
    return [*made, (b"#end", 10**10)], found
