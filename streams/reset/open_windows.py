"""Are all windows told? What is in those that aren't is lost with the internal topics.

What has no window, as the latest price of all time, is no result of one: it begins anew.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streams.core.aggregation import Aggregation
from streams.core.columns import TP
from streams.core.partials import Partial
from streams.core.ports import Cluster
from streams.core.windows import FOREVER
from streams.state.replay import Replay
from streams.state.rocksdb import RocksStore
from streams.tasks.topology import Topology


async def what_is_open(
    cluster: Cluster, topology: Topology, partitions: Mapping[str, int], folder: Path
) -> list[str]:
    """What a reset would lose, a line for each partition of keys; nothing if all is drained.

    The state is built from the changelog, in a temporary folder below `folder`.
    """
    found = []
    for table in topology.tables:
        if not {table.partials_topic, table.changelog_topic} <= partitions.keys():
            continue
        for partition in range(partitions[table.partials_topic]):
            merged_from = TP(table.partials_topic, partition)
            changelog = TP(table.changelog_topic, partition)
            with tempfile.TemporaryDirectory(prefix="reset-", dir=folder) as scratch:
                found += await _open_in(
                    cluster, merged_from, changelog, table.aggregation, Path(scratch)
                )
    return found


async def _open_in(
    cluster: Cluster, partials: TP, changelog: TP, aggregation: Aggregation[Any], scratch: Path
) -> list[str]:
    store = RocksStore(scratch, aggregation)
    span = await cluster.log_range(changelog)
    try:
        replay = await Replay.opened(changelog, store, span)
        async for piece in cluster.read(changelog, replay.start, span.end):
            await replay.take(piece)
        await store.settle()
        windows = set(await store.windows()) - {FOREVER}
    finally:
        await store.close()
    found = []
    if windows:
        found.append(f"{changelog}: {len(windows)} of its windows without finals")
    merged_to = replay.newest.position if replay.newest is not None else 0
    if await _has_unmerged(cluster, partials, merged_to, aggregation):
        found.append(f"{partials}: partials that were not merged yet")
    return found


async def _has_unmerged(
    cluster: Cluster, tp: TP, start: int, aggregation: Aggregation[Any]
) -> bool:
    """Whether partials from `start` on hold what is for a window; idle sources send empty ones."""
    span = await cluster.log_range(tp)
    async for piece in cluster.read(tp, max(start, span.start), span.end):
        for record in piece.records:
            try:
                partial = Partial.decode(record.value or b"", aggregation)
            except ValueError:
                return True  # it may
            if any(window != FOREVER for window, *_ in partial.windows):
                return True
    return False
