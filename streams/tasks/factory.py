"""Makes the task of any partition that a worker is assigned, and its standby on another."""

from collections.abc import Callable

from streams.core.columns import TP
from streams.core.ports import LogFollower, Member
from streams.errors import TaskStoppedError
from streams.state.standby import Standby
from streams.state.store import Store
from streams.tasks.aggregate_source_task import AggregateSourceTask
from streams.tasks.archive_task import ArchiveTask
from streams.tasks.context import TaskContext
from streams.tasks.count_source_task import CountSourceTask, Selectors
from streams.tasks.sink_task import SinkTask
from streams.tasks.task import Task
from streams.tasks.topology import ArchiveSink, Topology, WindowedTable
from streams.tasks.window_task import WindowTask


class TaskFactory:
    """See the module. `store_for` makes the store of one partition of a table."""

    def __init__(
        self,
        context: TaskContext,
        topology: Topology,
        store_for: Callable[[WindowedTable, int], Store],
    ) -> None:
        self._context = context
        self._topology = topology
        self._store_for = store_for
        self._selectors: Selectors = {}

    def __call__(self, tp: TP, member: Member) -> Task:
        """A task that has not been opened; `member` is our place in the group."""
        table = self._topology.merged_from(tp.topic)
        if table is not None:
            store = self._store_for(table, tp.partition)
            return WindowTask(tp, self._context, member, table, store)
        sink = self._topology.delivered_from(tp.topic)
        if isinstance(sink, ArchiveSink):
            return ArchiveTask(tp, self._context, member, sink)
        if sink is not None:
            return SinkTask(tp, self._context, member, sink)
        table = self._topology.fed_by(tp.topic)
        if table is None:
            raise TaskStoppedError(f"no table or sink is declared for {tp.topic}", "Declare one")
        if table.events is not None:
            return AggregateSourceTask(tp, self._context, member, table, table.events)
        return CountSourceTask(tp, self._context, member, table, self._selectors)

    def has_state(self, topic: str) -> bool:
        """Whether the tasks of a topic have a store, so that they can have standbys."""
        return self._topology.merged_from(topic) is not None

    def standby(self, tp: TP, log: LogFollower) -> Standby:
        """A standby of a partition's task; `log` reads its changelog."""
        table = self._topology.merged_from(tp.topic)
        assert table is not None, f"the task of {tp} has no state"
        store = self._store_for(table, tp.partition)
        changelog = TP(table.changelog_topic, tp.partition)
        return Standby(table.name, changelog, store, self._context.cluster, log)
