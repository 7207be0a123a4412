"""Long work in slices, between which the event loop does other work."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def slices(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of up to `size` of them, in their order."""
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some
