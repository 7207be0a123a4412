"""Committed counts kept in memory beside the store, so that most are never read from disk."""

from collections.abc import Mapping
from typing import cast

from streams.state.store import Counts, Store

#: Counts kept. Past this the cache starts anew: the store has them all.
CACHED = 200_000


class Cache:
    """A task's committed counts by window start (ms), as far as they are known."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts: dict[int, dict[bytes, int]] = {}
        # Windows of which every count is here: what is missing in them is not on disk either.
        self._complete: set[int] = set()

    def begin(self, window: int) -> None:
        """Note a window that has no committed counts yet."""
        self._complete.add(window)

    def whole(self, window: int) -> Mapping[bytes, int] | None:
        """All committed counts of a window, if they are all here."""
        return self._counts.get(window, {}) if window in self._complete else None

    def known(self, window: int, key: bytes) -> int | None:
        """A key's committed count as far as it is known without the disk: 0 if it has none."""
        return self._counts.get(window, {}).get(key, 0 if window in self._complete else None)

    async def counts(self, window: int, wanted: Mapping[bytes, int]) -> Mapping[bytes, int]:
        """The committed counts of a window: all of `wanted` that has one, and perhaps more."""
        known = self._counts.setdefault(window, {})
        if window in self._complete:
            return known
        missing = [key for key in wanted if key not in known]
        if missing:
            found = await self._store.read(window, missing)
            # A zero is remembered too, for what is not on disk need not be looked for again.
            known.update((key, n or 0) for key, n in zip(missing, found, strict=True))
        return known

    def remember(self, counts: Counts) -> None:
        """Take over what has just been committed and stored."""
        if sum(map(len, self._counts.values())) > CACHED:
            self.forget()
        for window, changed in counts.items():
            # A window's changes are all counts, or all tombstones as it is closed.
            if None not in changed.values():
                self._counts.setdefault(window, {}).update(cast(dict[bytes, int], changed))

    def forget(self) -> None:
        """Forget all: the store has it."""
        self._counts.clear()
        self._complete.clear()

    def drop_before(self, limit: int) -> None:
        """Forget all windows that start before `limit`."""
        self._counts = {w: counts for w, counts in self._counts.items() if w >= limit}
        self._complete = {w for w in self._complete if w >= limit}
