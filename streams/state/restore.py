"""Bringing a store up to its changelog's end.

From the store's own position if its disk belongs to this changelog, else from the beginning. Runs
after the task's transactional id was fenced, so that the end can't move any more.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

from streams import crash_points, metrics
from streams.core.columns import TP
from streams.core.ports import Cluster, LogRange, LogRecord
from streams.errors import StoreError
from streams.state.changelog import BOOKKEEPING_KEY, Bookkeeping, decode_count, decode_key
from streams.state.fingerprint import Fingerprint, check_fingerprint
from streams.state.store import Changes, Store, Stored

log = logging.getLogger(__name__)


class Replayed(NamedTuple):
    """What a replay saw: records beyond the store's position, and the newest bookkeeping."""

    records: int
    newest: Bookkeeping | None


async def restore(
    table: str,
    cluster: Cluster,
    tp: TP,
    store: Store,
    fingerprint: Fingerprint,
    on_progress: Callable[[], None],
) -> Bookkeeping | None:
    """Open and restore `store` from changelog partition `tp`; None if there is nothing yet.

    `on_progress` is called after each piece.
    Raises FingerprintMismatchError, and StoreError as the store does.
    """
    stored = await store.open()
    span = await cluster.log_range(tp)
    replayed = Replayed(0, None)
    if stored is not None and _belongs(stored, span):
        replayed = await _replay(table, cluster, tp, store, stored, span, on_progress)
    if replayed.newest is None:
        if stored is not None:
            log.warning("The store of %s does not belong to its changelog; restoring in full", tp)
        await store.wipe()
        replayed = await _replay(table, cluster, tp, store, None, span, on_progress)
    metrics.RESTORED.labels(table, tp.partition).inc(replayed.records)
    metrics.LAST_RESTORE.labels(table, tp.partition).set(replayed.records)
    found = replayed.newest
    if found is None:
        if replayed.records:
            raise StoreError(f"the changelog {tp} has no bookkeeping", "Reset the application")
        return None
    check_fingerprint(table, found.fingerprint, fingerprint)
    return found


def _belongs(stored: Stored, span: LogRange) -> bool:
    return stored.bookkeeping is not None and span.start <= stored.position <= span.end


async def _replay(
    table: str,
    cluster: Cluster,
    tp: TP,
    store: Store,
    stored: Stored | None,
    span: LogRange,
    on_progress: Callable[[], None],
) -> Replayed:
    """Apply the changelog from the store's position on; no bookkeeping if the store is foreign.

    Reading begins one record earlier, at the bookkeeping that ended the store's last transaction.
    Compaction always keeps the newest bookkeeping, so at least one is seen, and tells whether this
    changelog is the one that the store came from.
    """
    position = span.start if stored is None else stored.position
    newest = None
    replayed = 0
    async for records, following in cluster.read(tp, max(span.start, position - 1), span.end):
        crash_points.reached("in-restore")
        changes = Changes(position)
        for record in records:
            if record.key == BOOKKEEPING_KEY:
                newest = Bookkeeping.decode(record.value or b"")
                if stored is not None and _is_foreign(newest, stored):
                    return Replayed(replayed, None)
                changes.bookkeeping = newest
            elif record.offset >= position:
                _add(changes, record)
            replayed += record.offset >= position
            changes.position = max(changes.position, record.offset + 1)
        if newest is not None:
            # A disk older than the changelog's tombstones may hold windows closed long ago.
            changes.drop_before = newest.closed_until
        position = changes.position
        await store.apply(changes)
        metrics.RESTORE_REMAINING.labels(table, tp.partition).set(span.end - following)
        on_progress()
    return Replayed(replayed, newest)


def _add(changes: Changes, record: LogRecord) -> None:
    window, key = decode_key(record.key)
    count = None if record.value is None else decode_count(record.value)
    changes.counts.setdefault(window, {})[key] = count


def _is_foreign(seen: Bookkeeping, stored: Stored) -> bool:
    return stored.bookkeeping is None or seen.incarnation != stored.bookkeeping.incarnation
