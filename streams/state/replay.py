"""Bringing a store up to date from its changelog, for a restore and for a standby alike."""

import logging
from collections.abc import Iterator
from itertools import chain

from streams.core.columns import TP
from streams.core.ports import LogRange, LogRecord, Piece
from streams.state.changelog import BOOKKEEPING_KEY, Bookkeeping
from streams.state.store import Store

log = logging.getLogger(__name__)


class Replay:
    """Changelog partition `tp` as it goes into a store. `span` is what the log holds now.

    From the store's own position, if its disk belongs to this changelog, else from the beginning.
    Reading starts one record earlier, at the bookkeeping that ended the store's last transaction.
    Compaction always keeps the newest bookkeeping, so at least one is seen, and tells whether this
    changelog is the one that the store came from.
    """

    def __init__(self, tp: TP, store: Store, span: LogRange) -> None:
        self._tp = tp
        self._store = store
        self._incarnation: str | None = None
        # What the store has already, below which a record is only looked at.
        self._has_until = span.start
        #: The first offset to read.
        self.start = span.start
        #: How many records went into the store.
        self.records = 0
        #: The newest bookkeeping that was seen.
        self.newest: Bookkeeping | None = None

    @classmethod
    async def opened(cls, tp: TP, store: Store, span: LogRange) -> "Replay":
        """A replay into `store`, which is opened, and wiped if it can't belong to this log."""
        stored = await store.open()
        replay = cls(tp, store, span)
        if stored is None:
            return replay
        if stored.bookkeeping is None or not span.start <= stored.position <= span.end:
            return await cls.anew(tp, store, span)
        replay._incarnation = stored.bookkeeping.incarnation
        replay._has_until = stored.position
        replay.start = max(span.start, stored.position - 1)
        return replay

    @classmethod
    async def anew(cls, tp: TP, store: Store, span: LogRange) -> "Replay":
        """A replay of the whole log, for a store that turned out to belong to another one."""
        log.warning("The store of %s does not belong to its changelog; restoring in full", tp)
        await store.wipe()
        return cls(tp, store, span)

    @property
    def is_verified(self) -> bool:
        """Whether the store, if it held something, was seen to belong to this changelog."""
        return self._incarnation is None or self.newest is not None

    async def take(self, piece: Piece) -> bool:
        """Apply what follows; False if the store belongs to another changelog."""
        replayed = await self._store.replay(self._new_records(piece.records))
        self.records += replayed.records
        self.newest = replayed.bookkeeping or self.newest
        return (
            self.newest is None
            or self._incarnation is None
            or self.newest.incarnation == self._incarnation
        )

    def _new_records(self, records: Iterator[LogRecord]) -> Iterator[LogRecord]:
        """Those that the store hasn't got; of the others there is one at most."""
        first = next(records, None)
        if first is None:
            return records
        if first.offset >= self._has_until:
            return chain((first,), records)
        if first.key == BOOKKEEPING_KEY:
            self.newest = Bookkeeping.decode(first.value or b"")
        return records
