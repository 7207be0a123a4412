"""Whose turn it is, and what a task does with it."""

from random import Random

from streams.core.columns import TP
from streams.testing.broker import Broker
from streams.testing.fleet import Fleet
from streams.testing.worker import Worker

#: One task of one worker.
Turn = tuple[int, TP]

#: How often, at random, a task commits before it has to, and a transaction's end goes on.
COMMITS = 0.4
SETTLES = 0.3


class Schedule:
    """Gives turns to tasks, one after the other or at random; see `TestDriver`."""

    def __init__(
        self, fleet: Fleet, broker: Broker, fetch_records: int, random: Random | None
    ) -> None:
        self._fleet = fleet
        self._broker = broker
        self._fetch_records = fetch_records
        self._random = random
        self._last: Turn | None = None

    async def run(self, turns: int | None) -> None:
        """Give turns until each task has had one in vain since anything last moved."""
        quiet: set[Turn] = set()
        taken = 0
        while turns is None or taken < turns:
            due = [turn for turn in self._turns() if turn not in quiet]
            if due:
                turn = self._pick(due)
                taken += 1
                moved = await self._take(*turn)
            else:
                moved = self._settle_all()
                if not moved:
                    return
            if moved:
                quiet.clear()
            else:
                quiet.add(turn)

    def _turns(self) -> list[Turn]:
        return [
            (i, tp)
            for i, worker in enumerate(self._fleet.workers)
            if worker.runs
            for tp in sorted(worker.assigned - worker.stopped)
        ]

    def _pick(self, due: list[Turn]) -> Turn:
        if self._random is not None:
            return self._random.choice(due)
        last = self._last
        self._last = next((turn for turn in due if last is None or turn > last), due[0])
        return self._last

    async def _take(self, i: int, tp: TP) -> bool:
        settled = self._settle_some()
        return await self._fleet.turn(i, tp, self._work(self._fleet.workers[i], tp)) or settled

    async def _work(self, worker: Worker, tp: TP) -> bool:
        """One turn of a task, as a worker's loop does it."""
        records, batches, commits = self._fetch_records, 1, False
        if self._random is not None:
            records = self._random.randint(1, records)
            batches = self._random.randint(1, 3)
            commits = self._random.random() < COMMITS
        moved = await worker.tick(tp) or await worker.deliver(tp, records, batches)
        task = await worker.task(tp)
        if task.commit_in() == 0 or (task.pending and (commits or not moved)):
            await worker.commit(tp)
            moved = True
        return moved

    def _settle_some(self) -> bool:
        """Let ends of transactions reach some of their partitions; False if none did."""
        settled = False
        for transaction in self._broker.coordinator.ending:
            if self._random is not None and self._random.random() < SETTLES:
                transaction.settle_one(self._random.randrange(len(transaction.participants)))
                settled = True
        return settled

    def _settle_all(self) -> bool:
        ending = self._broker.coordinator.ending
        for transaction in ending:
            transaction.settle()
        return bool(ending)
