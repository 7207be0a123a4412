"""One task's windowed state: what is committed, what is pending, and which windows may close.

Committed accumulators live in the store; those used lately are also kept in memory. Pending ones
hold what has come since, and are merged with them when they are committed. All times in ms.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple

from streams.core.aggregation import A, Aggregation
from streams.core.partials import Partial
from streams.core.watermarks import Sources
from streams.core.windows import FOREVER, TumblingWindows
from streams.errors import ClosedWindowError
from streams.state.cache import Cache
from streams.state.changelog import Bookkeeping
from streams.state.store import Changes, Contents, Store


@dataclass(frozen=True, slots=True)
class Closing:
    """A chunk of a closed window: what keys came to; `last` if none follow, else in byte order."""

    window: int
    values: list[tuple[bytes, Any]]
    last: bool


class Change(NamedTuple):
    """What a key's records of all time came to, before and after a transaction."""

    key: bytes
    before: Any
    after: Any


class WindowedState(Generic[A]):
    """One partition of a table. Not to be used after an error: uncommitted work is lost."""

    def __init__(
        self,
        windows: TumblingWindows,
        aggregation: Aggregation[A],
        store: Store,
        bookkeeping: Bookkeeping,
        chunk: int,
    ) -> None:
        self._windows = windows
        self._aggregation = aggregation
        self._store = store
        self._bookkeeping = bookkeeping
        self._chunk = chunk
        self._sources = Sources(len(bookkeeping.to_offsets))
        self._sources.to_offsets = list(bookkeeping.to_offsets)
        self._sources.watermarks = list(bookkeeping.watermarks)
        self._pending: dict[int, dict[bytes, A]] = {}
        self._cache = Cache(store, aggregation)
        self._closed: Closing | None = None
        # Held while disk and memory may be at different commits.
        self._applying = asyncio.Lock()
        self.open_windows: set[int] = set()

    async def load(self) -> None:
        """Learn from the store which windows there are."""
        self.open_windows = set(await self._store.windows())

    @property
    def watermark(self) -> int:
        """The lowest watermark of all sources, merged so far."""
        return self._sources.watermark

    @property
    def closable_until(self) -> int:
        """All windows that start before this are closed; see `close_due`."""
        return self._windows.first_open(self.watermark)

    @property
    def close_due(self) -> bool:
        """Whether a window is to be closed, or the bookkeeping of closed ones to be moved."""
        return any(window < self.closable_until for window in self.open_windows)

    @property
    def uncommitted_keys(self) -> int:
        """Accumulators that changed since the last commit, over all windows."""
        return sum(map(len, self._pending.values()))

    def merge(self, partial: Partial) -> None:
        """Merge a partial.

        Raises BrokenChainError if it doesn't follow its source's last one, and ClosedWindowError
        if it holds something for a closed window.
        """
        self._sources.check(partial)
        closed_until = self.closable_until
        for window, keys, values in partial.windows:
            if window < closed_until:
                raise ClosedWindowError(
                    f"source partition {partial.source} sent records for the window at {window}, "
                    f"but all windows before {closed_until} are closed"
                )
            if window not in self.open_windows:
                self.open_windows.add(window)
                self._cache.begin(window)
            pending = self._pending.setdefault(window, {})
            self._aggregation.merge_into(pending, keys, values)
        self._sources.merged(partial)

    async def next_closing(self) -> Closing | None:
        """The next chunk of the oldest window that is due; None if none is.

        Only what is committed is closed: nothing may be pending for the window.
        """
        due = [window for window in self.open_windows if window < self.closable_until]
        if not due:
            return None
        window = min(due)
        assert window not in self._pending, "a window is closed after its last change is committed"
        after = self._bookkeeping.closing_after
        if self._bookkeeping.closed_until < window:
            after = None
        whole = self._cache.whole(window)
        if whole is not None and len(whole) < self._chunk:
            return Closing(window, list(whole.items()), last=True)
        values = await self._store.scan(window, after, self._chunk)
        return Closing(window, values, last=len(values) < self._chunk)

    async def committed(self, key: bytes) -> dict[int, A]:
        """What is committed of a key by open window, oldest first; all as of one commit.

        Changes nothing, so it may be asked at any time. A window is open for a key until the
        transaction with its final, or its tombstone, is committed. Raises StoreError.
        """
        found = self._in_memory(key)
        if None in found.values():
            async with self._applying:
                found = self._in_memory(key)
                for window, value in found.items():
                    if value is None:
                        [found[window]] = await self._store.read(window, [key])
        nothing = (None, self._aggregation.zero)
        return {w: value for w, value in found.items() if value not in nothing}

    def _in_memory(self, key: bytes) -> dict[int, Any]:
        """What is committed of a key by open window; zero if nothing, None if the disk knows."""
        books = self._bookkeeping
        chunk_end = books.closing_after
        return {
            window: self._cache.known(window, key)
            for window in sorted(self.open_windows)
            if window > books.closed_until
            or (window == books.closed_until and (chunk_end is None or key > chunk_end))
        }

    def closed(self, closing: Closing) -> None:
        """Note that a chunk's final results are in the pending transaction."""
        self._closed = closing

    async def resolve(self, position: int) -> "Step":
        """What the pending transaction changes: accumulators, tombstones, bookkeeping.

        `position` is the offset of the repartition topic to go on from.
        """
        pending, self._pending = self._pending, {}
        contents: Contents = {}
        changes: list[Change] = []
        for window, more in pending.items():
            committed = await self._cache.read(window, more)
            contents[window] = merged = self._aggregation.merged(committed, more)
            if window == FOREVER:
                zero = self._aggregation.zero
                changes = [Change(k, committed.get(k, zero), value) for k, value in merged.items()]
        closing, self._closed = self._closed, None
        bookkeeping = replace(
            self._bookkeeping,
            position=position,
            to_offsets=list(self._sources.to_offsets),
            watermarks=list(self._sources.watermarks),
        )
        drop_before = None
        if closing is not None:
            contents[closing.window] = dict.fromkeys(key for key, _ in closing.values)
            drop_before = self._note_closed(closing, bookkeeping)
        return Step(contents, bookkeeping, drop_before, changes)

    def _note_closed(self, closing: Closing, bookkeeping: Bookkeeping) -> int | None:
        """Move the bookkeeping past a chunk; returns before which windows the store may drop."""
        if not closing.last:
            bookkeeping.closed_until = closing.window
            bookkeeping.closing_after = closing.values[-1][0]
            return None
        bookkeeping.closed_until = closing.window + self._windows.size_ms
        bookkeeping.closing_after = None
        return bookkeeping.closed_until

    async def apply(self, step: "Step", position: int) -> None:
        """Write a committed step to the store; `position` is the changelog's after the step."""
        changes = Changes(position, step.bookkeeping, step.contents, step.drop_before)
        async with self._applying:
            await self._store.apply(changes)
            self._bookkeeping = step.bookkeeping
            self._remember(step)

    def _remember(self, step: "Step") -> None:
        limit = step.drop_before
        if limit is not None:
            self.open_windows = {window for window in self.open_windows if window >= limit}
            self._cache.drop_before(limit)
        self._cache.remember(step.contents)


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction's effect on a partition of a table. None among its contents is a tombstone.

    `changes` are those of the window that never ends.
    """

    contents: Contents
    bookkeeping: Bookkeeping
    drop_before: int | None
    changes: list[Change]
