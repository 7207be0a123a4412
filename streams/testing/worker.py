"""A worker process of the test driver: its tasks, its agents and its disk."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from streams.core.columns import TP
from streams.core.ports import Clock, Member
from streams.schemas.formats import Formats
from streams.settings import Settings
from streams.state.memory import Disk, MemoryStore
from streams.tasks.archive_task import ArchiveTask
from streams.tasks.batch import Batch, Body
from streams.tasks.context import TaskContext
from streams.tasks.factory import TaskFactory
from streams.tasks.sink_task import SinkTask
from streams.tasks.task import State, Task
from streams.tasks.topology import Topology, WindowedTable
from streams.tasks.window_task import WindowTask
from streams.testing.agent import Agent
from streams.testing.broker import Broker
from streams.testing.client import Client
from streams.testing.crash import Crash, CrashPlan

T = TypeVar("T")

Disks = dict[TP, Disk]

#: Turns of the event loop that a sink's body gets whenever its task is looked at.
BODY_TURNS = 10


class Job(Protocol):
    """What can be driven: a `StreamsApp`, or anything else that declares a topology."""

    @property
    def settings(self) -> Settings: ...

    @property
    def topology(self) -> Topology: ...

    @property
    def output_topics(self) -> Sequence[str]: ...

    @property
    def bodies(self) -> Mapping[str, Body]: ...


class Worker:
    """One process: it dies as a whole, and knows of its group what it was last told.

    `member` and `assigned` are that knowledge; they are out of date in a worker that was paused
    while the group went on.
    """

    def __init__(
        self,
        job: Job,
        member: Member,
        broker: Broker,
        clock: Clock,
        disks: Disks,
        plan: Callable[[], CrashPlan],
    ) -> None:
        self.alive = True
        self.paused = False
        self.disks = disks
        self.member = member
        self.assigned: set[TP] = set()
        #: Tasks that have stopped for good.
        self.stopped: set[TP] = set()
        self.tasks: dict[TP, Task] = {}
        self._job = job
        self._plan = plan
        self._client = Client(broker, self._point)
        formats = Formats(job.settings)
        context = TaskContext(job.settings, self._client, clock, broker.partitions(), formats.of)
        self._make_task = TaskFactory(context, job.topology, self._store)
        self._agents: dict[str, Agent] = {}

    async def _point(self, name: str) -> None:
        # What is still under way when a process dies comes no further either.
        if not self.alive:
            raise Crash(name)
        try:
            self._plan().point(name)
        except Crash:
            self.alive = False
            raise

    @property
    def runs(self) -> bool:
        """Whether the process exists and is not stopped."""
        return self.alive and not self.paused

    def join(self, generation: int, assigned: set[TP]) -> None:
        """Learn of a new generation of the group; no task is open by then."""
        self.member = replace(self.member, generation=generation)
        self.assigned = assigned

    async def survive(self, work: Awaitable[T]) -> T | None:
        """Await `work`; None if the process died of it."""
        try:
            return await work
        except Crash:
            await self.end()
            return None

    async def task(self, tp: TP) -> Task:
        """The running task of a partition, opened if need be."""
        task = self.tasks.get(tp)
        if task is None:
            task = self.tasks[tp] = self._make_task(tp, self.member)
        if task.state is State.CREATED:
            await task.open()
        return task

    async def deliver(self, tp: TP, records: int, batches: int = 1) -> bool:
        """Fetch and process up to `records` records; False if there were none, or no room."""
        task = await self.task(tp)
        try:
            async with asyncio.timeout(0):
                await task.until_room()
        except TimeoutError:
            return False
        chunk = await self._client.fetch(tp, task.position, records, batches)
        if chunk.next_offset == chunk.from_offset:
            return False
        await task.until_readable(chunk)
        batch = task.deliver(chunk)
        assert batch is not None, f"{tp}: fetched at {task.position}, but refused"
        await self._process(task, batch)
        return True

    async def tick(self, tp: TP) -> bool:
        """Do what no record asks for: close windows, look for idleness. False if nothing."""
        task = await self.task(tp)
        await _let_bodies_run(task)
        batch = await task.tick()
        if batch is None:
            return False
        await self._process(task, batch)
        return True

    async def commit(self, tp: TP) -> bool:
        """Commit what the partition's task has done; True, for that is something."""
        task = await self.task(tp)
        await task.commit()
        if isinstance(task, WindowTask):
            await task.forget_merged()
        return True

    async def discard(self, tp: TP) -> None:
        """Close a task without committing."""
        task = self.tasks.pop(tp, None)
        if task is not None:
            await task.close()

    async def hand_over(self, tp: TP) -> None:
        """Commit and close a task, as when its partition is revoked."""
        task = self.tasks.get(tp)
        if task is not None and task.pending:
            await self.commit(tp)
        await self.discard(tp)

    async def end(self) -> None:
        """Be no more; nothing is cleaned up but what would be left in the test's own process."""
        self.alive = False
        for task in self.tasks.values():
            if isinstance(task, SinkTask | ArchiveTask):
                await task.stop_delivering()
        self.tasks.clear()
        agents, self._agents = self._agents, {}
        for agent in agents.values():
            await agent.stop()

    async def _process(self, task: Task, batch: Batch) -> None:
        topic = task.tp.topic
        if topic not in self._agents:
            self._agents[topic] = Agent(topic, self._job.bodies[topic])
        await self._agents[topic].process(batch)
        task.done(batch)
        await _let_bodies_run(task)

    def _store(self, table: WindowedTable, partition: int) -> MemoryStore:
        tp = TP(table.partials_topic, partition)
        return MemoryStore(self.disks.setdefault(tp, Disk()), table.aggregation, self._point)


async def _let_bodies_run(task: Task) -> None:
    """What runs beside a task would else only run while others wait for something."""
    if isinstance(task, SinkTask):
        for _ in range(BODY_TURNS):
            await asyncio.sleep(0)
