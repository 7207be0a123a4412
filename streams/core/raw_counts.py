"""Counts of raw values, each of which comes to its key but once in a commit interval."""

from collections.abc import Iterable

from streams.core.columns import Columns
from streams.core.partials import KeyValues
from streams.core.selection import Keyed, Rejected, Selected, Selector
from streams.core.value_table import ValueTable, new_table

#: Values without a key: rejected, or dropped by a filter (None).
Keyless = dict[bytes | None, Rejected | None]


class RawCounts:
    """How often each raw value came in one window, beside the key that it comes to.

    A key is put where its partition's keys are when its value comes first: its memory is in the
    processor's cache then, which it isn't any more when all are handed over.
    """

    def __init__(self, select: Selector, partitions: int) -> None:
        self._select = select
        self._counts: ValueTable = new_table()
        # In the order of the counts, which is that in which the values came first.
        self._partitions: list[int] = []
        self._keys: list[list[bytes]] = [[] for _ in range(partitions)]

    def __len__(self) -> int:
        return len(self._partitions)

    def add(self, columns: Columns, since: int) -> Keyless | None:
        """Count the values of all records, unless one is older than `since` (ms): then return None.

        Returns those values that have no key, which are not counted.
        """
        before = len(self._counts)
        if not columns.count_into(self._counts, since):
            return None
        new = self._counts.newest(len(self._counts) - before)
        # As a rule all are known: then no step of the interpreter is taken for each.
        selected: list[Selected] = list(map(self._select.known.get, new))
        if not {Keyed}.issuperset(map(type, selected)):
            selected = list(map(self._select, new))
        self._note(s for s in selected if type(s) is Keyed)
        if len(self) == len(self._counts):
            return {}
        keyless = {raw: s for raw, s in zip(new, selected, strict=True) if not isinstance(s, Keyed)}
        self._counts.forget(keyless)  # so that each call shows anew which of them have come
        return keyless

    def add_one(self, value: bytes | None, keyed: Keyed) -> None:
        """Count a value whose key is known."""
        if self._counts.add(value):
            self._note((keyed,))

    def _note(self, new: Iterable[Keyed]) -> None:
        add_partition = self._partitions.append
        adders = [keys.append for keys in self._keys]
        for partition, key in new:
            add_partition(partition)
            adders[partition](key)

    def by_partition(self) -> list[KeyValues[int]]:
        """All counts by their keys' partitions; values may differ that come to the same key."""
        found: list[KeyValues[int]] = [KeyValues(keys, []) for keys in self._keys]
        adders = [counts.append for _, counts in found]
        for partition, n in zip(self._partitions, self._counts.counts(), strict=True):
            adders[partition](n)
        return found
