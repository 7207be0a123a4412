"""Drive a job without a Kafka, clock in hand; what TopologyTestDriver is to Kafka Streams.

    with TestDriver(app, partitions={"words": 2}) as driver:
        driver.produce("words", "hello", timestamp=1_000)
        driver.run_until_idle()
        driver.advance_time(60_000)
        driver.run_until_idle()
        assert driver.read_output("counts") == [...]

The job's own agents run on the real tasks, transactions and state, over a broker in memory. Time
stands still until a test moves it. There may be several workers; they can be crashed at any await,
restarted, paused, and their tasks moved.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Literal, NamedTuple, Self, TypeVar

from aiokafka.partitioner import murmur2

from streams.core.columns import TP
from streams.core.ports import Record
from streams.core.window_count import WindowCount
from streams.errors import NotReadyError
from streams.tasks.window_task import WindowTask
from streams.testing.broker import Broker
from streams.testing.clock import ManualClock
from streams.testing.crash import Crash, CrashPlan
from streams.testing.fleet import Failure, Fleet
from streams.testing.schedule import Schedule
from streams.testing.worker import Job, Worker

T = TypeVar("T")


class OutputRecord(NamedTuple):
    """A committed record of a topic; `timestamp` in ms since the epoch."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: dict[str, bytes]


class TestDriver:
    """See the module. Runs `job`, a `StreamsApp` for example, with its own settings.

    partitions     how many a topic has: one number for all, or by topic, where 1 is the default
    fetch_records  how many records one fetch brings at most
    random         without it tasks take turns in a fixed order, and commit once they have nothing
                   else to do. With it the order, the fetches' sizes, the times of commits and the
                   times at which a transaction's end reaches its partitions are chosen at random
    broker         that of another driver, to go on with what it left
    """

    __test__ = False  # not a test, whatever pytest makes of its name

    def __init__(
        self,
        job: Job,
        *,
        partitions: int | Mapping[str, int] = 1,
        workers: int = 1,
        fetch_records: int = 500,
        clock: ManualClock | None = None,
        random: Random | None = None,
        broker: Broker | None = None,
    ) -> None:
        self.clock = clock or ManualClock()
        self.broker = broker or Broker()
        self._fetch_records = fetch_records
        self._runner = asyncio.Runner()
        _create_topics(self.broker, job, partitions)
        self._fleet = Fleet(job, self.broker, self.clock, workers)
        self._schedule = Schedule(self._fleet, self.broker, fetch_records, random)
        try:
            self._run(self._fleet.start())
        except BaseException:
            self._runner.close()
            raise
        self.broker.coordinator.lazy = random is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """End all workers at once, as `kill -9` does."""
        self._run(self._end())
        self._runner.close()

    @property
    def workers(self) -> list[Worker]:
        """The workers, dead ones included."""
        return self._fleet.workers

    @property
    def failures(self) -> list[Failure]:
        """Errors after which a task was opened again, in their order."""
        return self._fleet.failures

    @property
    def plan(self) -> CrashPlan:
        """Counts the crash points that were reached since `kill_at` or `fail_at`."""
        return self._fleet.plan

    def tasks(self) -> dict[TP, int]:
        """All tasks, by their partition, and the worker that owns each."""
        return dict(self._fleet.owners)

    # What goes in and comes out.

    def produce(
        self,
        topic: str,
        value: str | bytes | None,
        timestamp: int,
        *,
        partition: int | None = None,
        key: bytes | None = None,
    ) -> None:
        """Append a record. Without a partition the key decides as Java's producers do; no key: 0.

        Takes no part in the job's transactions. `timestamp` in ms since the epoch.
        """
        logs = self.broker.topics[topic]
        if partition is None:
            partition = 0 if key is None else (murmur2(key) & 0x7FFFFFFF) % len(logs)
        raw = value.encode() if isinstance(value, str) else value
        logs[partition].append([Record(key, raw, timestamp)])

    def read_output(self, topic: str) -> list[OutputRecord]:
        """All records of a topic that a read_committed consumer sees."""
        return [
            OutputRecord(topic, p, offset, r.key, r.value, r.timestamp, dict(r.headers))
            for p, log in enumerate(self.broker.topics[topic])
            for offset, r in log.committed(log.start, log.end)[0]
        ]

    # Time.

    def advance_time(self, ms: int) -> None:
        """Let the wall clock go on; nothing runs before `run_until_idle`."""
        self.clock.advance(ms)

    def run_until_idle(self, turns: int | None = None) -> None:
        """Let all workers work until nothing is left to do, or for so many turns.

        A task that fails but may be retried is opened again; see `failures`. Any other error is
        raised, and its task stays closed until its worker is restarted.
        """
        self._run(self._schedule.run(turns))

    # Single steps of one task, by its owner or by another worker that takes itself for it.

    def deliver(self, tp: TP, worker: int | None = None, records: int | None = None) -> bool:
        """Let the task process one fetch; False if there was nothing to fetch."""
        i = self._owner(tp, worker)
        work = self.workers[i].deliver(tp, records or self._fetch_records)
        return self._run(self._fleet.attempt(i, tp, work))

    def tick(self, tp: TP, worker: int | None = None) -> bool:
        """Let the task do what no record asks for; False if there was nothing."""
        i = self._owner(tp, worker)
        return self._run(self._fleet.attempt(i, tp, self.workers[i].tick(tp)))

    def commit(self, tp: TP, worker: int | None = None) -> None:
        """Let the task commit."""
        i = self._owner(tp, worker)
        self._run(self._fleet.attempt(i, tp, self.workers[i].commit(tp)))

    def open_counts(self, tp: TP, key: bytes, worker: int | None = None) -> list[WindowCount]:
        """What a second-stage task tells of a key's open windows; it has to be open."""
        task = self.workers[self._owner(tp, worker)].tasks.get(tp)
        if not isinstance(task, WindowTask):
            raise NotReadyError(f"no task of {tp} is open")
        return self._run(task.open_counts(key))

    # What happens to workers.

    def kill_at(self, n: int, only: str | None = None) -> CrashPlan:
        """Crash the worker that reaches the nth crash point from now; 0: none does.

        `only` counts the points of one name; see `CrashPlan`.
        """
        return self.fail_at(n, Crash, only)

    def fail_at(
        self, n: int, raises: Callable[[str], BaseException], only: str | None = None
    ) -> CrashPlan:
        """Raise `raises(point)` at the nth crash point from now: an answer that never came."""
        self._fleet.plan = CrashPlan(n, only, raises)
        return self._fleet.plan

    def crash_worker(self, worker: int) -> None:
        """Kill a worker: its transactions stay open until somebody fences them."""
        self._run(self.workers[worker].end())

    def restart_worker(self, worker: int, disk: Literal["same", "empty"] = "same") -> None:
        """Start a worker again, after a crash or in good order, on its disk or on an empty one."""
        self._run(self._fleet.restart(worker, keep_disk=disk == "same"))

    def pause_worker(self, worker: int) -> None:
        """Stop a worker (SIGSTOP); once its tasks are moved it is a zombie, and doesn't know it."""
        self.workers[worker].paused = True

    def resume_worker(self, worker: int) -> None:
        """Let a paused worker go on where it was."""
        self.workers[worker].paused = False

    def move_task(self, tp: TP, to: int) -> None:
        """Give a task to another worker, by a rebalance of all workers that run."""
        self._run(self._fleet.rebalance({**self._fleet.owners, tp: to}))

    def move_tasks(self, source: int, to: int) -> None:
        """Give all tasks of a worker to another one."""
        owners = {tp: to if i == source else i for tp, i in self._fleet.owners.items()}
        self._run(self._fleet.rebalance(owners))

    async def _end(self) -> None:
        for worker in self.workers:
            await worker.end()

    def _run(self, work: Awaitable[T]) -> T:
        async def run() -> T:
            return await work

        return self._runner.run(run())

    def _owner(self, tp: TP, worker: int | None) -> int:
        return self._fleet.owners[tp] if worker is None else worker


def _create_topics(broker: Broker, job: Job, partitions: int | Mapping[str, int]) -> None:
    settings = job.settings
    named = {} if isinstance(partitions, int) else dict(partitions)
    default = partitions if isinstance(partitions, int) else 1
    internal = {table.partials_topic: table.changelog_topic for table in job.topology.tables}
    topics = [*job.output_topics, settings.dead_letter_topic, *job.bodies, *internal]
    if settings.late_topic is not None:
        topics.append(settings.late_topic)
    for topic in {**named, **dict.fromkeys(topics)}:
        broker.create_topic(topic, named.get(topic, default))
    for partials, changelog in internal.items():
        # A task's changelog is the partition of its own number.
        broker.create_topic(changelog, len(broker.topics[partials]))
