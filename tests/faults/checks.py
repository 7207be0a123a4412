"""The end of a run: everything has to become quiet, and then the invariants have to hold."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from streams.core.aggregation import Aggregation
from streams.core.counts import COUNTING
from streams.core.prices import OHLC
from tests import reference
from tests.application import Application, Finals
from tests.faults import invariants, observe
from tests.faults.invariants import Partition
from tests.faults.slot import ORDERLY, Slot, wrong_lines
from tests.load import Load
from tests.output import OutputReader, differences
from tests.polling import until
from tests.reading import Record, read_all
from tests.scene import GRACE_MS, MIN_MENTIONED, WINDOW_MS
from tests.ticker_reference import Expected
from tests.ticker_scene import read_input, read_output

#: Until all finals have come; and until each of the other things has settled.
FINALS_SECONDS, SETTLE_SECONDS = 180.0, 60.0
STOP_SECONDS = 90.0
POLL_SECONDS = 0.5

Findings = list[str]


class TableTopics(NamedTuple):
    """A table as it is found on brokers and disks."""

    name: str
    partials: str
    changelog: str
    aggregation: Aggregation[Any]


class Checks:
    """See the module. Ends the load, the workers and the reader."""

    def __init__(
        self,
        application: Application,
        workers_folder: Path,
        slots: Sequence[Slot],
        load: Load,
        prices: Load,
        output: OutputReader,
    ) -> None:
        self._application = application
        self._options = application.options
        self._folder = workers_folder
        self._slots = slots
        self._load = load
        self._prices = prices
        self._output = output
        self._tables = [
            TableTopics("hashtag_counts", application.partials, application.changelog, COUNTING),
            TableTopics(
                "ticker_prices", application.ticker_partials, application.ticker_changelog, OHLC
            ),
        ]
        inputs = [application.input, application.ticker_input]
        partials = [table.partials for table in self._tables]
        self._assignable = observe.tps([*inputs, *partials], application.partitions)

    def all(self) -> Findings:
        """What is wrong; nothing if all is well."""
        expected, prices = self._expected(), self._expected_prices()
        found = [
            *_settled(lambda: self._missing(expected), FINALS_SECONDS),
            *_settled(lambda: self._missing_prices(prices), FINALS_SECONDS),
            *_settled(self._unconsumed, SETTLE_SECONDS),
            *_settled(self._open_transactions, SETTLE_SECONDS),
            *_settled(self._unstable_group, SETTLE_SECONDS),
        ]
        owners = self._owners()
        found += self._stop_workers()
        self._output.finish()
        found += invariants.wrong_finals(expected, self._output.found)
        found += self._wrong_prices(prices)
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

    def _expected_prices(self) -> Expected:
        self._prices.finish()
        return read_input(self._application, self._prices)

    def _missing_prices(self, expected: Expected) -> Findings:
        complete = read_output(self._application).is_complete(expected)
        return [] if complete else ["prices have not come"]

    def _wrong_prices(self, expected: Expected) -> Findings:
        try:
            read_output(self._application).check(expected)
        except AssertionError as exc:
            return [f"prices: {exc}"]
        rows = sum(len(part) for part in self._prices.rows)
        print(f"{rows} prices came to {len(expected.candles)} candles, each once")
        return []

    def _missing(self, expected: Finals) -> Findings:
        missing = expected.keys() - self._output.found.keys()
        return [f"{len(missing)} finals have not come"] if missing else []

    def _changelogs(self) -> Iterator[tuple[TableTopics, int, list[Record]]]:
        """Of each table and partition."""
        for table in self._tables:
            for partition, records in enumerate(
                asyncio.run(read_all(self._options, table.changelog))
            ):
                yield table, partition, records

    def _unconsumed(self) -> Findings:
        offsets = asyncio.run(observe.committed_offsets(self._options, self._application.app_id))
        ends = asyncio.run(observe.ends(self._options, self._assignable, committed=False))
        stored = {
            (table.partials, partition): observe.bookkeeping(observe.compacted(records)).position
            for table, partition, records in self._changelogs()
        }
        return [
            *invariants.unconsumed("the committed offset", offsets, ends),
            *invariants.unconsumed("the stored position", stored, {tp: ends[tp] for tp in stored}),
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

    def _owners(self) -> dict[Partition, Slot]:
        """The worker that runs the task of each partition."""
        return {
            (topic, partition): slot
            for slot in self._slots
            for running in [slot.worker.running()]
            for topic, partition in self._assignable
            if f"{topic}-{partition}" in running
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

    def _stores(self, owners: dict[Partition, Slot]) -> Findings:
        found = []
        for table, partition, records in self._changelogs():
            name = f"{table.name}/{partition}"
            owner = owners.get((table.partials, partition))
            if owner is None:
                found.append(f"nobody owns store {name}")
                continue
            path = owner.worker.data / self._application.app_id / "state" / name
            store = asyncio.run(observe.stored(path, table.aggregation))
            changelog = observe.compacted(records)
            print(f"store {name} holds {len(store.values)} keys")
            found += invariants.disagreement(name, changelog, store)
        return found


def _settled(check: Callable[[], Findings], seconds: float) -> Findings:
    """The findings of a check: none as soon as there are none, else those at the end."""
    deadline = time.monotonic() + seconds
    while found := check():
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    return found
