"""One run: a cluster, workers and load; faults; then quiet, and the checks."""

import asyncio
import contextlib
import time
from pathlib import Path

from deploy.local import LocalKafka
from tests.application import Application
from tests.faults import gaps, observe
from tests.faults.begin import may_begin
from tests.faults.checks import Checks
from tests.faults.gaps import Span
from tests.faults.mischief import Mischief, Steps
from tests.faults.plan import SLOTS, WORKER_KINDS, Fault, plan
from tests.faults.proxy import Proxy
from tests.faults.slot import Slot
from tests.faults.state import RunState
from tests.load import HASHTAGS, Feed, Load, Pace
from tests.output import OutputReader
from tests.polling import POLL_SECONDS, until
from tests.scene import COUNTING
from tests.ticker_load import PRICES
from tests.ticker_scene import SUMMING

PARTITIONS = 3
#: Event time runs twice as fast as the clock, so that a window closes each second.
PACE = Pace(rows=10, step_ms=100, tick_seconds=0.05, left_open=300)
PRICES_PACE = Pace(rows=5, step_ms=200, tick_seconds=0.1, left_open=100)
#: Without new finals for so long, the next fault waits until there are some again ...
SILENCE_SECONDS = 15.0
#: ... which has to be within this time, as all faults that are in effect end meanwhile.
RECOVERY_SECONDS = 120.0
HOLD_SECONDS = 150.0


class Run:
    """A context manager. `folder` holds all of it: it may be continued by another process."""

    def __init__(self, state: RunState, folder: Path) -> None:
        self.state = state
        self._folder = folder
        self._plan = plan(state.seed, state.faults)
        self._stack = contextlib.ExitStack()
        self._active: dict[int, tuple[Fault, Steps]] = {}
        self._spans: list[Span] = []
        self._begun_at: dict[int, float] = {}
        self._timed_at = 0.0

    def __enter__(self) -> "Run":
        with self._stack:
            self._start()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        self._say(f"seed {self.state.seed}, from fault {self.state.next + 1}")
        self.kafka = self._stack.enter_context(
            LocalKafka(brokers=3, data_dir=self._folder / "kafka", detours=SLOTS, quiet=True)
        )
        proxy = self._stack.enter_context(Proxy())
        self.workers_folder = self._folder / "workers"
        self.workers_folder.mkdir(parents=True, exist_ok=True)
        self.application = self._stack.enter_context(self._make_application())
        self.slots = {
            name: Slot(
                name,
                self.application,
                proxy,
                self.kafka.brokers,
                self.state.generations.get(name, 0),
                self._report,
            )
            for name in SLOTS
        }
        self._mischief = Mischief(self.kafka, proxy, self.slots)
        self._create_topics()
        self.load = self._start_load(self.application.input, PACE, HASHTAGS)
        self.prices = self._start_load(self.application.ticker_input, PRICES_PACE, PRICES)
        self.output = OutputReader(
            self.application.options,
            self.application.output_topic,
            PARTITIONS,
            self._folder / "seen.jsonl",
        )
        self.output.start()
        self._stack.callback(self.output.finish)
        for slot in self.slots.values():
            slot.start()
        self._wait_for_finals()

    def _make_application(self) -> Application:
        application = Application(
            self.kafka,
            "faults",
            self.workers_folder,
            partitions=PARTITIONS,
            replicas=3,
            jobs=["hashtags", "tickers"],
            # Each task has a copy elsewhere, which disks that are wiped make worth having.
            variables={**COUNTING, **SUMMING, "STREAMS_STANDBYS": "1"},
        )
        if not self.state.quick:
            application.use_shipped_timeouts()
        return application

    def _create_topics(self) -> None:
        existing = asyncio.run(observe.partitions(self.application.options))
        if self.application.input not in {name for name, _ in existing}:
            self.application.create_topics()

    def _start_load(self, topic: str, pace: Pace, feed: Feed) -> Load:
        options = self.application.options
        written = asyncio.run(
            observe.ends(options, observe.tps([topic], PARTITIONS), committed=False)
        )
        load = Load(
            options,
            topic,
            PARTITIONS,
            self.state.seed,
            pace,
            [written[topic, partition] for partition in range(PARTITIONS)],
            feed,
        )
        load.start()
        self._stack.callback(load.pause)
        return load

    def make_faults(self, pause_after: float | None) -> bool:
        """Make the faults of the plan that are left; False if there was no time for all."""
        self.output.arrivals.clear()
        begin = due = self._timed_at = time.monotonic()
        while self.state.next < self.state.faults:
            fault = self._plan[self.state.next]
            due = max(due + fault.after, time.monotonic())
            self._work(due - time.monotonic())
            if pause_after is not None and time.monotonic() - begin > pause_after:
                break
            self._hold(fault)
            self._begin(fault)
            due = time.monotonic()
        self._drain()
        return self.state.next == self.state.faults

    def check(self) -> list[str]:
        """End the load, let everything become quiet, and return what is wrong."""
        checks = Checks(
            self.application,
            self.workers_folder,
            list(self.slots.values()),
            self.load,
            self.prices,
            self.output,
        )
        return [*self.state.failures, *checks.all()]

    def stop(self) -> None:
        """Stop in order, to be continued."""
        for slot in self.slots.values():
            slot.terminate()
        until(lambda: all(s.ended() for s in self.slots.values()), "workers end by SIGTERM", 90)

    def _begin(self, fault: Fault) -> None:
        state = self.state
        self._say(f"{state.next + 1:4} {fault}")
        self._begun_at[state.next] = time.monotonic()
        steps = self._mischief.make(fault)
        next(steps, None)
        self._active[state.next] = fault, steps
        state.next += 1
        state.begun[fault.kind.value] = state.begun.get(fault.kind.value, 0) + 1
        state.generations = {name: slot.generation for name, slot in self.slots.items()}
        self._save()

    def _save(self) -> None:
        now = time.monotonic()
        self.state.seconds += now - self._timed_at
        self._timed_at = now
        self.state.save(self._folder)

    def _step(self) -> None:
        """Let the faults in effect get on, and look after the workers."""
        for index, (fault, steps) in list(self._active.items()):
            try:
                next(steps)
            except StopIteration:
                del self._active[index]
                span = Span(fault.kind.value, self._begun_at[index], time.monotonic())
                self._spans.append(span)
        for slot in self.slots.values():
            slot.tend()
        time.sleep(POLL_SECONDS)

    def _work(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._step()

    def _hold(self, fault: Fault) -> None:
        """Wait until a fault may begin, and hits an application that is at work."""
        deadline = time.monotonic() + HOLD_SECONDS
        while not self._may_begin(fault):
            assert time.monotonic() < deadline, f"{fault} could not begin beside {self._active}"
            self._step()
        if self._silence() > SILENCE_SECONDS:
            self._wait_for_finals()

    def _may_begin(self, fault: Fault) -> bool:
        if fault.kind in WORKER_KINDS and not self.slots[fault.slot or ""].alive:
            return False
        return may_begin(fault, [active for active, _ in self._active.values()])

    def _silence(self) -> float:
        arrivals = self.output.arrivals
        return time.monotonic() - arrivals[-1] if arrivals else 0.0

    def _wait_for_finals(self) -> None:
        seen = len(self.output.found)
        deadline = time.monotonic() + RECOVERY_SECONDS
        while len(self.output.found) == seen and self.state.next < self.state.faults:
            assert time.monotonic() < deadline, (
                f"no new finals within {RECOVERY_SECONDS:g} s\n{self.application.tails()}"
            )
            self._step()

    def _drain(self) -> None:
        while self._active:
            self._step()
        found = gaps.longest_gaps(self.output.arrivals, self._spans)
        self.state.gaps = gaps.merged(self.state.gaps, found)
        self.state.seen = len(self.output.found)
        self._save()

    def _report(self, what: str, failure: bool) -> None:
        self._say(f"     {what}")
        (self.state.failures if failure else self.state.oddities).append(what)

    def _say(self, line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)
