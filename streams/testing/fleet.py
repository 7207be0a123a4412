"""The workers of a test driver: who owns what, and what becomes of their errors."""

from collections import Counter
from collections.abc import Awaitable, Mapping
from typing import NamedTuple

from streams.core.columns import TP
from streams.core.ports import Clock, Member
from streams.errors import TaskRetriedError
from streams.testing.broker import Broker
from streams.testing.client import Client
from streams.testing.crash import CrashPlan
from streams.testing.worker import Disks, Job, Worker
from streams.transport.prepare import begin_offsets

#: Failures of one task, without any progress in between, after which a test has gone wrong.
TOLERATED = 20


class Failure(NamedTuple):
    """A task that closed by an error and opens again."""

    worker: int
    tp: TP
    error: TaskRetriedError


class Fleet:
    """Workers of one consumer group. Tasks belong to workers by `owners`, dead ones included."""

    def __init__(self, job: Job, broker: Broker, clock: Clock, workers: int) -> None:
        self.plan = CrashPlan()
        self.failures: list[Failure] = []
        self._job = job
        self._broker = broker
        self._clock = clock
        self._group = broker.group(job.settings.app_id)
        self._started = 0
        self._unlucky: Counter[TP] = Counter()
        tps = [TP(topic, p) for topic in job.bodies for p in range(len(broker.topics[topic]))]
        self.owners = {tp: i % workers for i, tp in enumerate(tps)}
        self.workers = [self._new_worker({}) for _ in range(workers)]

    async def start(self) -> None:
        """What a worker's start does before its first task opens, then the first rebalance."""
        await self._begin_offsets()
        await self.rebalance(self.owners)

    async def restart(self, index: int, *, keep_disk: bool) -> None:
        """End a worker, in good order if it is alive, and begin another in its place."""
        worker = self.workers[index]
        if worker.runs:
            await self._hand_over_all(worker)
        await worker.end()
        self.workers[index] = self._new_worker(worker.disks if keep_disk else {})
        await self._begin_offsets()
        await self.rebalance(self.owners)

    async def rebalance(self, owners: Mapping[TP, int]) -> None:
        """A new generation of all workers that run: each closes its tasks and opens its new ones.

        Who is dead or paused does not take part, and is expelled.
        """
        for worker in self.workers:
            if worker.runs:
                await self._hand_over_all(worker)
        self.owners = dict(owners)
        present = [worker for worker in self.workers if worker.runs]
        generation = self._group.rebalance(worker.member.member_id for worker in present)
        for i, worker in enumerate(self.workers):
            if worker.runs:
                worker.join(generation, {tp for tp, owner in self.owners.items() if owner == i})

    async def attempt(self, index: int, tp: TP, work: Awaitable[bool]) -> bool:
        """Await a task's work. A crash ends its worker; any error closes the task and is raised.

        After an error that is no TaskRetriedError the task stays closed until its worker restarts.
        """
        worker = self.workers[index]
        try:
            moved = await worker.survive(work)
        except Exception as exc:
            await worker.survive(worker.discard(tp))
            if not isinstance(exc, TaskRetriedError):
                worker.stopped.add(tp)
            raise
        if moved:
            del self._unlucky[tp]
        # A worker that died has done something, too.
        return moved is not False

    async def turn(self, index: int, tp: TP, work: Awaitable[bool]) -> bool:
        """As `attempt`, but a task that may open again after its error does so."""
        try:
            return await self.attempt(index, tp, work)
        except TaskRetriedError as exc:
            self.failures.append(Failure(index, tp, exc))
            self._unlucky[tp] += 1
            if self._unlucky[tp] > TOLERATED:
                raise
            await self._heartbeat(self.workers[index])
            return True

    async def _heartbeat(self, worker: Worker) -> None:
        """A task reopens only in the current generation, else it would fence the rightful owner."""
        if worker.runs and worker.member.generation != self._group.generation:
            for tp in list(worker.tasks):
                await worker.survive(worker.discard(tp))
            worker.assigned = set()

    async def _hand_over_all(self, worker: Worker) -> None:
        for tp in list(worker.tasks):
            try:
                await worker.survive(worker.hand_over(tp))
            except TaskRetriedError:
                await worker.survive(worker.discard(tp))

    async def _begin_offsets(self) -> None:
        client = Client(self._broker, _no_point)
        for table in self._job.topology.tables:
            group = self._job.settings.app_id
            await begin_offsets(client, group, table, self._broker.partitions())

    def _new_worker(self, disks: Disks) -> Worker:
        self._started += 1
        member = Member(self._job.settings.app_id, 0, f"member-{self._started}")
        return Worker(self._job, member, self._broker, self._clock, disks, lambda: self.plan)


async def _no_point(name: str) -> None:
    """Starting a worker has no state to lose."""
