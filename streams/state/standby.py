"""A standby: a store that follows its changelog while another worker's task writes it.

When that worker fails, the task opens here on a store that is nearly up to date, and its restore
replays only what has come since. The store is the folder that the task itself would open.
"""

import contextlib

from streams import metrics
from streams.core.columns import TP
from streams.core.ports import Cluster, LogFollower, Piece
from streams.state.replay import Replay
from streams.state.store import Store


class Standby:
    """See the module. To be opened, stepped and closed by one caller, and used once.

    Settings the counts were made with are not looked at: the task that takes over does that.
    """

    def __init__(
        self, table: str, changelog: TP, store: Store, cluster: Cluster, log: LogFollower
    ) -> None:
        self._tp = changelog
        self._store = store
        self._cluster = cluster
        self._log = log
        self._replay: Replay | None = None
        self._lag_metric = metrics.STANDBY_LAG, (table, str(changelog.partition))
        #: Offset of the changelog to go on from.
        self.position = 0
        #: Offsets of the changelog that are still to be read; None before it is known.
        self.lag: int | None = None

    async def open(self) -> None:
        """Open the store and begin to read behind what it has.

        Raises StoreError, and what a cluster raises.
        """
        span = await self._cluster.log_range(self._tp)
        self._replay = await Replay.opened(self._tp, self._store, span)
        await self._begin(self._replay.start, span.end)

    async def next(self, seconds: float) -> Piece | None:
        """What has come of the changelog; None if nothing has by then."""
        return await self._log.next(self._tp, seconds)

    async def take(self, piece: Piece) -> None:
        """Carry a piece over to the store."""
        assert self._replay is not None, "a standby is opened before it follows"
        if await self._replay.take(piece):
            self._moved(piece.following, piece.end)
            return
        span = await self._cluster.log_range(self._tp)
        self._replay = await Replay.anew(self._tp, self._store, span)
        await self._begin(span.start, span.end)

    async def close(self) -> None:
        """Stop reading and close the store, which keeps what it has."""
        self._log.leave(self._tp)
        gauge, labels = self._lag_metric
        with contextlib.suppress(KeyError):
            gauge.remove(*labels)
        await self._store.close()

    async def _begin(self, start: int, end: int) -> None:
        await self._log.begin(self._tp, start)
        self._moved(start, end)

    def _moved(self, position: int, end: int) -> None:
        self.position, self.lag = position, max(0, end - position)
        gauge, labels = self._lag_metric
        gauge.labels(*labels).set(self.lag)
