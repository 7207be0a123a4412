"""How often each of many values came; compiled where that was possible, else in Python.

The compiled table counts the values of Kafka's record batches where they lie, without an object for
each: with it a worker takes about half of the CPU seconds. It is made when Tally is installed, if
there is a C compiler.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Protocol


class ValueTable(Protocol):
    """Counts by value, in the order in which the values came first. A value may be None."""

    def __len__(self) -> int:
        """How many different values there are."""

    def update(self, values: Iterable[bytes | None]) -> None:
        """Count values."""

    def add(self, value: bytes | None) -> bool:
        """Count one value; returns whether it has come for the first time."""

    def newest(self, n: int) -> list[bytes | None]:
        """The last `n` of the different values."""

    def counts(self) -> list[int]:
        """How often each of the different values came."""

    def forget(self, values: Iterable[bytes | None]) -> None:
        """Take values away that are among the newest, as if they had not come."""


class PythonTable:
    """See `ValueTable`."""

    def __init__(self) -> None:
        # A dictionary keeps the order in which its keys came.
        self._counts: Counter[bytes | None] = Counter()

    def __len__(self) -> int:
        return len(self._counts)

    def update(self, values: Iterable[bytes | None]) -> None:
        self._counts.update(values)

    def add(self, value: bytes | None) -> bool:
        self._counts[value] += 1
        return self._counts[value] == 1

    def newest(self, n: int) -> list[bytes | None]:
        found = list(islice(reversed(self._counts), n))
        found.reverse()
        return found

    def counts(self) -> list[int]:
        return list(self._counts.values())

    def forget(self, values: Iterable[bytes | None]) -> None:
        for value in values:
            self._counts.pop(value, None)


try:
    from streams.compiled import ValueTable as CompiledTable
except ImportError:
    COMPILED = False
    new_table: type[PythonTable] | type["CompiledTable"] = PythonTable
else:
    COMPILED = True
    new_table = CompiledTable
