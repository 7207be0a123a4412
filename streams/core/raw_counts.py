"""Counts of raw values, each of which comes to its key but once in a commit interval."""

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from streams.core.partials import KeyCounts
from streams.core.selection import Keyed, Rejected, Selected, Selector

#: Values without a key: rejected, or dropped by a filter (None).
Keyless = dict[bytes | None, Rejected | None]


class RawCounts:
    """How often each raw value came in one window, beside the key that it comes to.

    A key is put where its partition's keys are when its value comes first: its memory is in the
    processor's cache then, which it isn't any more when all are handed over.
    """

    def __init__(self, select: Selector, partitions: int) -> None:
        self._select = select
        self._counts: Counter[bytes | None] = Counter()
        # In the order of the counts: a dictionary keeps the order in which its keys came.
        self._partitions: list[int] = []
        self._keys: list[list[bytes]] = [[] for _ in range(partitions)]

    def __len__(self) -> int:
        return len(self._partitions)

    def add(self, values: list[bytes | None]) -> Keyless:
        """Count many values; returns those that have no key, which are not counted."""
        before = len(self._counts)
        self._counts.update(values)
        new = list(islice(reversed(self._counts), len(self._counts) - before))
        new.reverse()
        # As a rule all are known: then no step of the interpreter is taken for each.
        selected: list[Selected] = list(map(self._select.known.get, new))
        if not {Keyed}.issuperset(map(type, selected)):
            selected = list(map(self._select, new))
        self._note(s for s in selected if type(s) is Keyed)
        if len(self) == len(self._counts):
            return {}
        keyless = {raw: s for raw, s in zip(new, selected, strict=True) if not isinstance(s, Keyed)}
        for raw in keyless:
            del self._counts[raw]  # so that each call shows anew which of them have come
        return keyless

    def add_one(self, value: bytes | None, keyed: Keyed) -> None:
        """Count a value whose key is known."""
        if value not in self._counts:
            self._note((keyed,))
        self._counts[value] += 1

    def _note(self, new: Iterable[Keyed]) -> None:
        add_partition = self._partitions.append
        adders = [keys.append for keys in self._keys]
        for partition, key in new:
            add_partition(partition)
            adders[partition](key)

    def by_partition(self) -> list[KeyCounts]:
        """All counts by their keys' partitions; values may differ that come to the same key."""
        found = [KeyCounts(keys, []) for keys in self._keys]
        adders = [counts.append for _, counts in found]
        for partition, n in zip(self._partitions, self._counts.values(), strict=True):
            adders[partition](n)
        return found
