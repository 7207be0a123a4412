"""The first stage of any other aggregation: its records are read one by one."""

from typing import Any

from streams.core.aggregating import Events, SourceAggregator
from streams.core.columns import TP
from streams.core.ports import Member
from streams.tasks.batch import Batch
from streams.tasks.context import TaskContext
from streams.tasks.source_task import SourceTask
from streams.tasks.topology import WindowedTable


class AggregateSourceTask(SourceTask[SourceAggregator[Any]]):
    """See the module; `events` are the table's."""

    def __init__(
        self, tp: TP, context: TaskContext, member: Member, table: WindowedTable, events: Events
    ) -> None:
        self._events = events
        super().__init__(tp, context, member, table)

    def _begin(self, stream_time: int) -> SourceAggregator[Any]:
        return SourceAggregator(
            self.tp.partition,
            self._windows,
            self._table.aggregation,
            self._events,
            self._partitions,
            lambda key: self.context.partition_of(self._table.partials_topic, key),
            max_bytes=self.context.settings.max_value_bytes,
            for_ever=self._table.updates is not None,
            stream_time=stream_time,
        )

    def add(self, batch: Batch) -> None:
        self._source.add(batch.chunk, self._newest_allowed, self._values.decoder)
