"""Bringing a store up to its changelog's end.

From the store's own position if its disk belongs to this changelog, else from the beginning. Runs
after the task's transactional id was fenced, so that the end can't move any more.
"""

from collections.abc import Callable

from streams import crash_points, metrics
from streams.core.columns import TP
from streams.core.ports import Cluster, LogRange
from streams.errors import StoreError
from streams.state.changelog import Bookkeeping
from streams.state.fingerprint import Fingerprint, check_fingerprint
from streams.state.replay import Replay
from streams.state.store import Store


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
    span = await cluster.log_range(tp)
    replay = await Replay.opened(tp, store, span)
    if not await _read_all(table, cluster, tp, replay, span, on_progress):
        replay = await Replay.anew(tp, store, span)
        await _read_all(table, cluster, tp, replay, span, on_progress)
    await store.settle()
    metrics.RESTORED.labels(table, tp.partition).inc(replay.records)
    metrics.LAST_RESTORE.labels(table, tp.partition).set(replay.records)
    if replay.newest is None:
        if replay.records:
            raise StoreError(f"the changelog {tp} has no bookkeeping", "Reset the application")
        return None
    check_fingerprint(table, replay.newest.fingerprint, fingerprint)
    return replay.newest


async def _read_all(
    table: str,
    cluster: Cluster,
    tp: TP,
    replay: Replay,
    span: LogRange,
    on_progress: Callable[[], None],
) -> bool:
    """Replay the log to its end; False if the store belongs to another one."""
    async for piece in cluster.read(tp, replay.start, span.end):
        crash_points.reached("in-restore")
        if not await replay.take(piece):
            return False
        metrics.RESTORE_REMAINING.labels(table, tp.partition).set(span.end - piece.following)
        on_progress()
    return replay.is_verified
