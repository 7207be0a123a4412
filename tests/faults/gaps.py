"""For how long no new finals came, and which faults were in effect meanwhile."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple


class Span(NamedTuple):
    """When a fault of a kind was in effect, in s of any clock."""

    kind: str
    begin: float
    end: float


def longest_gaps(arrivals: Sequence[float], spans: Iterable[Span]) -> dict[str, float]:
    """By kind, the longest time between two arrivals that a fault of it fell into, in s.

    Faults overlap, so a gap may count for several kinds.
    """
    longest: dict[str, float] = defaultdict(float)
    gaps = [(begin, end) for begin, end in pairwise(arrivals)]
    for span in spans:
        for begin, end in gaps:
            if begin < span.end and end > span.begin:
                longest[span.kind] = max(longest[span.kind], end - begin)
    return dict(longest)


def merged(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """The longest of both."""
    return {kind: max(one.get(kind, 0), other.get(kind, 0)) for kind in {**one, **other}}
