"""The windowed table: what an agent counts into, and takes final results from."""

from collections.abc import Iterator
from typing import Any

import faust

from streams.core.final import Final
from streams.tasks.batch import Batch, Values
from streams.tasks.topology import WindowedCount


class CountTable(faust.Table[bytes, int]):
    """Counts by key in tumbling windows, exactly once, kept in RocksDB and a changelog topic.

    It is listed as Faust's tables are, but not read like a dictionary: its counts belong to the
    tasks that own its partitions, and are written in their transactions.
    """

    def __init__(
        self, app: Any, *, count: WindowedCount, partials: faust.TopicT, help: str
    ) -> None:
        super().__init__(app, name=count.name, key_type=bytes, help=help)
        self.spec = count
        #: The topic through which partial counts reach the second stage; an agent has to read it.
        self.partials = partials

    async def on_start(self) -> None:
        """Nothing to open: each task opens its own store."""

    async def on_rebalance(self, *args: Any, **options: Any) -> None:
        """Nothing to move: tasks come and go with their partitions."""

    async def on_recovery_completed(self, *args: Any, **options: Any) -> None:
        """Nothing to do: a task runs as soon as its own store is restored."""

    def count(self, values: Values) -> None:
        """Count values under the windows of their records' timestamps (stage one).

        Late records are set aside here. The counts travel to stage two by key.
        """
        values.batch.task.count(values)

    def merge(self, batch: Batch) -> None:
        """Merge the partial counts of a batch (stage two)."""
        batch.task.merge(batch)

    def finals(self, batch: Batch, *, above: int = 0) -> Iterator[Final]:
        """The final counts of windows that have closed, each once; only those `above` a count.

        To be asked with every batch, and read to the end; most batches have none.
        """
        closing = batch.task.closed(batch)
        if closing is not None:
            end = closing.window + self.spec.windows.size_ms
            for key, count in closing.counts:
                if count > above:
                    yield Final(key, count, closing.window, end)
