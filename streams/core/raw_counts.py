"""Counts of raw values, each of which comes to its key but once in a commit interval."""

from collections import Counter
from itertools import islice

from streams.core.partials import KeyCounts
from streams.core.selection import Keyed, Rejected, Selected, Selector

#: Values without a key: rejected, or dropped by a filter (None).
Keyless = dict[bytes | None, Rejected | None]


class RawCounts:
    """How often each raw value came in one window, beside the key that it comes to."""

    def __init__(self, select: Selector) -> None:
        self._select = select
        self._counts: Counter[bytes | None] = Counter()
        # In the order of the counts: a dictionary keeps the order in which its keys came.
        self._keys: list[Keyed] = []

    def __len__(self) -> int:
        return len(self._keys)

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
        self._keys += (s for s in selected if type(s) is Keyed)
        if len(self._keys) == len(self._counts):
            return {}
        keyless = {raw: s for raw, s in zip(new, selected, strict=True) if not isinstance(s, Keyed)}
        for raw in keyless:
            del self._counts[raw]  # so that each call shows anew which of them have come
        return keyless

    def add_one(self, value: bytes | None, keyed: Keyed) -> None:
        """Count a value whose key is known."""
        if value not in self._counts:
            self._keys.append(keyed)
        self._counts[value] += 1

    def move_to(self, by_partition: list[KeyCounts]) -> None:
        """Add all counts under their keys; values may differ that come to the same one."""
        adders = [(found.keys.append, found.counts.append) for found in by_partition]
        for (partition, key), n in zip(self._keys, self._counts.values(), strict=True):
            add_key, add_count = adders[partition]
            add_key(key)
            add_count(n)
