"""The first stage of any other aggregation: its records are read one by one."""

from typing import Any

from streams.core.aggregating import Event, Read, SourceAggregator
from streams.core.columns import TP
from streams.core.ports import Member
from streams.core.selection import Rejected, unusable
from streams.tasks.batch import Batch
from streams.tasks.context import TaskContext
from streams.tasks.source_task import SourceTask
from streams.tasks.topology import WindowedTable


class AggregateSourceTask(SourceTask[SourceAggregator[Any]]):
    """See the module; `read` is the table's."""

    def __init__(
        self, tp: TP, context: TaskContext, member: Member, table: WindowedTable, read: Read
    ) -> None:
        self._read_value = read
        super().__init__(tp, context, member, table)

    def _begin(self, stream_time: int) -> SourceAggregator[Any]:
        return SourceAggregator(
            self.tp.partition,
            self._windows,
            self._table.aggregation,
            self._partitions,
            lambda key: self.context.partition_of(self._table.partials_topic, key),
            delay=self._table.delay_ms,
            for_ever=self._table.updates is not None,
            stream_time=stream_time,
        )

    def add(self, batch: Batch) -> None:
        self._source.add(batch.chunk, self._read, self._newest_allowed)

    def _read(self, raw: bytes | None) -> Event | Rejected | None:
        return unusable(raw, self.context.settings.max_value_bytes) or self._read_value(raw)
