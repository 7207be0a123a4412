"""The end of a run: everything has to become quiet, and then the invariants have to hold."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests import reference
from tests.application import Application, Finals
from tests.faults import invariants, observe
from tests.faults.slot import ORDERLY, Slot, wrong_lines
from tests.load import Load
from tests.output import OutputReader, differences
from tests.polling import until
from tests.reading import Record, read_all
from tests.scene import GRACE_MS, MIN_MENTIONED, WINDOW_MS

#: Until all finals have come; and until each of the other things has settled.
FINALS_SECONDS, SETTLE_SECONDS = 180.0, 60.0
STOP_SECONDS = 40.0
POLL_SECONDS = 0.5

Findings = list[str]


class Checks:
    """See the module. Ends the load, the workers and the reader."""

    def __init__(
        self,
        application: Application,
        workers_folder: Path,
        slots: Sequence[Slot],
        load: Load,
        output: OutputReader,
    ) -> None:
        self._application = application
        self._options = application.options
        self._folder = workers_folder
        self._slots = slots
        self._load = load
        self._output = output
        source = observe.tps([application.input], application.partitions)
        self._partials = observe.tps([application.partials], application.partitions)
        self._source, self._assignable = source, [*source, *self._partials]

    def all(self) -> Findings:
        """What is wrong; nothing if all is well."""
        expected = self._expected()
        found = [
            *_settled(lambda: self._missing(expected), FINALS_SECONDS),
            *_settled(self._unconsumed, SETTLE_SECONDS),
            *_settled(self._open_transactions, SETTLE_SECONDS),
            *_settled(self._unstable_group, SETTLE_SECONDS),
        ]
        owners = self._owners()
        found += self._stop_workers()
        self._output.finish()
        found += invariants.wrong_finals(expected, self._output.found)
        found += self._stores(owners)
        found += wrong_lines(self._folder)
        self._print(expected)
        return found

    def _print(self, expected: Finals) -> None:
        wrong = differences(expected, self._output.found)
        counts = ", ".join(f"{len(names)} {what}" for what, names in wrong.items())
        rows = sum(len(part) for part in self._load.rows)
        print(f"{rows} records came to {len(expected)} finals: {counts}")

    def _expected(self) -> Finals:
        written = self._load.finish()
        read = asyncio.run(read_all(self._options, self._application.input))
        rows = [[(record.value, record.timestamp) for record in part] for part in read]
        assert rows == written, "the load itself wrote something twice, or lost it"
        return reference.finals(rows, WINDOW_MS, GRACE_MS, MIN_MENTIONED)

    def _missing(self, expected: Finals) -> Findings:
        missing = expected.keys() - self._output.found.keys()
        return [f"{len(missing)} finals have not come"] if missing else []

    def _changelog(self) -> list[list[Record]]:
        return asyncio.run(read_all(self._options, self._application.changelog))

    def _unconsumed(self) -> Findings:
        offsets = asyncio.run(observe.committed_offsets(self._options, self._application.app_id))
        ends = asyncio.run(observe.ends(self._options, self._assignable, committed=False))
        stored = {
            tp: observe.bookkeeping(observe.compacted(records)).position
            for tp, records in zip(self._partials, self._changelog(), strict=True)
        }
        return [
            *invariants.unconsumed("the committed offset", offsets, ends),
            *invariants.unconsumed(
                "the stored position", stored, {tp: ends[tp] for tp in self._partials}
            ),
        ]

    def _open_transactions(self) -> Findings:
        everywhere = asyncio.run(observe.partitions(self._options))
        # Stable first: the ends only grow.
        stable = asyncio.run(observe.ends(self._options, everywhere, committed=True))
        ends = asyncio.run(observe.ends(self._options, everywhere, committed=False))
        return invariants.open_transactions(stable, ends)

    def _unstable_group(self) -> Findings:
        group = asyncio.run(observe.group(self._options, self._application.app_id))
        found = invariants.unstable_group(group, len(self._slots), self._assignable)
        running = [tp for slot in self._slots for tp in slot.worker.running()]
        if sorted(running) != sorted(f"{topic}-{n}" for topic, n in self._assignable):
            found.append(f"what runs is not each task once: {sorted(running)}")
        return found

    def _owners(self) -> dict[int, Slot]:
        """The worker that runs stage two of each partition."""
        return {
            partition: slot
            for slot in self._slots
            for topic, partition in self._partials
            if f"{topic}-{partition}" in slot.worker.running()
        }

    def _stop_workers(self) -> Findings:
        workers = [slot.worker for slot in self._slots]
        for slot in self._slots:
            slot.terminate()
        with contextlib.suppress(AssertionError):
            until(lambda: not any(worker.alive for worker in workers), "", STOP_SECONDS)
        return [
            f"{worker.name} ended by SIGTERM with {worker.process.returncode}:\n{worker.tail()}"
            for worker in workers
            if worker.process.returncode not in ORDERLY
        ]

    def _stores(self, owners: dict[int, Slot]) -> Findings:
        found = []
        for partition, records in enumerate(self._changelog()):
            if partition not in owners:
                found.append(f"nobody owns store {partition}")
                continue
            path = owners[partition].worker.data / self._application.app_id / "state"
            store = asyncio.run(observe.stored(path / "hashtag_counts" / str(partition)))
            changelog = observe.compacted(records)
            print(f"store {partition} holds {len(store.values)} keys")
            found += invariants.disagreement(partition, changelog, store)
        return found


def _settled(check: Callable[[], Findings], seconds: float) -> Findings:
    """The findings of a check: none as soon as there are none, else those at the end."""
    deadline = time.monotonic() + seconds
    while found := check():
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    return found
