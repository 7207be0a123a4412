"""Committed accumulators kept beside the store, so that most are never read from disk."""

from collections.abc import Mapping
from typing import Generic

from streams.core.aggregation import A, Aggregation
from streams.state.store import Contents, Store

#: Accumulators kept. Past this the cache starts anew: the store has them all.
CACHED = 200_000


class Cache(Generic[A]):
    """A task's committed accumulators by window start (ms), as far as they are known."""

    def __init__(self, store: Store, aggregation: Aggregation[A]) -> None:
        self._store = store
        self._zero = aggregation.zero
        self._known: dict[int, dict[bytes, A]] = {}
        # Windows of which everything is here: what is missing in them is not on disk either.
        self._complete: set[int] = set()

    def begin(self, window: int) -> None:
        """Note a window in which nothing is committed yet."""
        self._complete.add(window)

    def whole(self, window: int) -> Mapping[bytes, A] | None:
        """All that is committed of a window, if it is all here."""
        return self._known.get(window, {}) if window in self._complete else None

    def known(self, window: int, key: bytes) -> A | None:
        """What is committed of a key, zero included, as far as it is known without the disk."""
        absent = self._zero if window in self._complete else None
        return self._known.get(window, {}).get(key, absent)

    async def read(self, window: int, wanted: Mapping[bytes, A]) -> Mapping[bytes, A]:
        """What is committed of a window: all of `wanted` that is there, and perhaps more."""
        known = self._known.setdefault(window, {})
        if window in self._complete:
            return known
        missing = [key for key in wanted if key not in known]
        if missing:
            found = await self._store.read(window, missing)
            # A zero is remembered too, for what is not on disk need not be looked for again.
            zero = self._zero
            known.update(
                (key, zero if value is None else value)
                for key, value in zip(missing, found, strict=True)
            )
        return known

    def remember(self, contents: Contents) -> None:
        """Take over what has just been committed and stored."""
        if sum(map(len, self._known.values())) > CACHED:
            self.forget()
        for window, changed in contents.items():
            # A window's changes are all accumulators, or all tombstones as it is closed.
            if None not in changed.values():
                self._known.setdefault(window, {}).update(changed)

    def forget(self) -> None:
        """Forget all: the store has it."""
        self._known.clear()
        self._complete.clear()

    def drop_before(self, limit: int) -> None:
        """Forget all windows that start before `limit`."""
        self._known = {w: known for w, known in self._known.items() if w >= limit}
        self._complete = {w for w in self._complete if w >= limit}
