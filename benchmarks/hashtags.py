"""The hashtags that are measured with: a population, and draws from it by Zipf's law."""

import itertools
import random
from collections.abc import Iterator

DRAWN_AT_ONCE = 10_000
_SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu".split()

#: Endless chunks of hashtags.
Draws = Iterator[list[bytes]]


class Population:
    """`distinct` hashtags of 8 to 20 bytes; rank r is drawn in proportion to 1 / r ** skew.

    Every tenth is its predecessor in capitals, so that two spellings meet in one count. With
    `length`, all are made that long (bytes).
    """

    def __init__(self, distinct: int, skew: float, length: int = 0) -> None:
        self.values = [_value(rank).ljust(length, b"x") for rank in range(distinct)]
        weights = (1 / (rank + 1) ** skew for rank in range(distinct))
        self._cumulated = list(itertools.accumulate(weights))

    def draw(self, seed: int = 1) -> Draws:
        """By chance; the same seed draws the same."""
        rng = random.Random(seed)
        while True:
            yield rng.choices(self.values, cum_weights=self._cumulated, k=DRAWN_AT_ONCE)

    def in_turns(self) -> Draws:
        """One after the other, so that as many draws as there are hashtags are all different."""
        while True:
            for begin in range(0, len(self.values), DRAWN_AT_ONCE):
                yield self.values[begin : begin + DRAWN_AT_ONCE]


def _value(rank: int) -> bytes:
    if rank % 10 == 9:
        return _value(rank - 1).upper()
    number, name = rank, "tag"
    for _ in range(2 + rank % 7):
        number, syllable = divmod(number, len(_SYLLABLES))
        name += _SYLLABLES[syllable]
    return f"{name}{rank}".encode()[:20]
