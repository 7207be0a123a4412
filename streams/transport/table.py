"""Windowed tables: what an agent sums records up in, and takes final results from."""

from collections.abc import Iterator
from typing import Any

import faust

from streams.core.final import Final
from streams.tasks.batch import Batch, Values
from streams.tasks.topology import WindowedTable


class Table(faust.Table[bytes, Any]):
    """What keys come to in tumbling windows, exactly once, kept in RocksDB and a changelog topic.

    It is listed as Faust's tables are, but not read like a dictionary: what it holds belongs to the
    tasks that own its partitions, and is written in their transactions.
    """

    def __init__(self, app: Any, *, spec: WindowedTable, partials: faust.TopicT, help: str) -> None:
        super().__init__(app, name=spec.name, key_type=bytes, help=help)
        self.spec = spec
        #: The topic through which partials reach the second stage; an agent has to read it.
        self.partials = partials

    async def on_start(self) -> None:
        """Nothing to open: each task opens its own store."""

    async def on_rebalance(self, *args: Any, **options: Any) -> None:
        """Nothing to move: tasks come and go with their partitions."""

    async def on_recovery_completed(self, *args: Any, **options: Any) -> None:
        """Nothing to do: a task runs as soon as its own store is restored."""

    def merge(self, batch: Batch) -> None:
        """Merge the partials of a batch (stage two)."""
        batch.task.merge(batch)


class CountTable(Table):
    """How often keys come."""

    def count(self, values: Values) -> None:
        """Count values under the windows of their records' timestamps (stage one).

        Late records are set aside here. The counts travel to stage two by key.
        """
        values.batch.task.count(values)

    def finals(self, batch: Batch, *, above: int = 0) -> Iterator[Final[int]]:
        """The final counts of windows that have closed, each once; only those `above` a count.

        To be asked with every batch, and read to the end; most batches have none.
        """
        closing = batch.task.closed(batch)
        if closing is not None:
            end = closing.window + self.spec.windows.size_ms
            for key, count in closing.values:
                if count > above:
                    yield Final(key, count, closing.window, end)


class AggregateTable(Table):
    """What any other aggregation makes of records."""

    def add(self, batch: Batch) -> None:
        """Add a batch's records to the windows of their event times (stage one).

        Late records are set aside here. What they come to travels to stage two by key.
        """
        batch.task.add(batch)

    def finals(self, batch: Batch) -> Iterator[Final[Any]]:
        """What the aggregation emits for windows that have closed, each key once.

        To be asked with every batch, and read to the end; most batches have none.
        """
        closing = batch.task.closed(batch)
        if closing is not None:
            end, emit = closing.window + self.spec.windows.size_ms, self.spec.aggregation.emit
            for key, accumulator in closing.values:
                yield Final(key, emit(accumulator), closing.window, end)
