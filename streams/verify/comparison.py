"""Reads input and output side by side, in step with event time, and compares them.

**Where to begin.** The first record that bears the range's start or a later time, partition by
partition. All records before it are older than the range. So is stream time up to there, which can
therefore have made no record late that belongs to a window in the range: beginning there is exact.

**Where to end.** The ends that the topic has at the beginning, or earlier: a partition whose stream
time has passed the range's end and grace holds nothing more that counts.

**Memory.** Partitions are read at about the same event time, and windows are judged and dropped
when they are complete. What stays: open windows, 8 bytes for each final found, differences.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from streams.core.columns import TP
from streams.errors import VerifyError
from streams.schemas.formats import Formats
from streams.settings import Settings
from streams.verify.decoded import jsons
from streams.verify.finals import UnreadableError
from streams.verify.ledger import Ledger, Verdict
from streams.verify.reader import Reader, reading
from streams.verify.subjects import Subject
from streams.verify.times import FOREVER, TimeRange

#: Windows of event time that a partition may be ahead of the slowest one.
AHEAD_WINDOWS = 5
#: Seconds between two looks for finals that are missing.
POLL_SECONDS = 0.3

#: Told (records read, records to read, event time in ms that has been reached).
Progress = Callable[[int, int, int], None]


@dataclass(slots=True)
class Outcome:
    """All that a report tells, but for its words."""

    verdict: Verdict
    input_positions: list[int]
    records: int
    finals: int = 0
    unreadable: dict[str, int] = field(default_factory=dict)
    cut_off: list[TP] = field(default_factory=list)


class Comparison:
    """One run; `newest` (ms) is the latest timestamp that counts, `keep` see `Differences`."""

    def __init__(
        self,
        subject: Subject,
        within: TimeRange,
        inputs: Reader,
        outputs: Reader,
        formats: Formats,
        newest: int,
        keep: int | None,
    ) -> None:
        self._subject = subject
        self._within = within
        self._inputs, self._outputs = inputs, outputs
        self._input_format = formats.of(subject.input_topic)
        self._output_format = formats.of(subject.output_topic)
        self._reference = subject.recount(len(inputs.ends), newest)
        self._ledger = Ledger(keep)
        self._input_ends = list(inputs.ends)
        self._newest_final = [-1] * len(outputs.ends)
        self._records = 0
        self._finals = 0
        self._unreadable: dict[str, int] = {}

    async def run(self, progress: Progress, wait_seconds: float) -> Outcome:
        """Read all there is to read, and wait so long for finals that are missing."""
        starts = self._inputs.starts
        to_read = sum(max(0, end - starts[p]) for p, end in enumerate(self._input_ends))
        while unfinished := self._unfinished():
            reached = await self._read_input(unfinished)
            self._expect(complete_until=self._reference.first_open(reached))
            await self._read_output()
            progress(min(self._records, to_read), to_read, reached)
        self._expect(complete_until=FOREVER)
        progress(to_read, to_read, min(self._reference.stream_times))
        verdict = await self._final_verdict(wait_seconds)
        self._check_readable()
        return Outcome(
            verdict,
            self._inputs.positions,
            self._records,
            self._finals,
            self._unreadable,
            [*self._inputs.cut_off, *self._outputs.cut_off],
        )

    def _unfinished(self) -> list[int]:
        """Input partitions that may still hold something for the range."""
        enough = self._within.end + self._subject.grace_ms
        times, positions = self._reference.stream_times, self._inputs.positions
        return [
            p for p, end in enumerate(self._input_ends) if positions[p] < end and times[p] < enough
        ]

    async def _read_input(self, unfinished: list[int]) -> int:
        """Read on where event time is lowest; returns the stream time that all have reached."""
        times, add = self._reference.stream_times, self._reference.add
        limit = min(times[p] for p in unfinished) + AHEAD_WINDOWS * self._subject.window_ms
        wanted = [p for p in unfinished if times[p] <= limit]
        for partition, records in await self._inputs.fetch(wanted):
            for record in await self._subject.read(self._input_format, records):
                add(partition, record.value, record.timestamp)
                self._records += 1
        # Nothing comes after a partition's end: it holds no window back from being complete.
        return min((times[p] for p in self._unfinished()), default=FOREVER)

    def _expect(self, complete_until: int) -> None:
        taken = self._reference.take(complete_until)
        within, size = self._within, self._subject.window_ms
        windows = {start: finals for start, finals in taken.items() if within.holds(start, size)}
        closed_until = self._reference.first_open(min(self._reference.stream_times))
        self._ledger.expect(windows, complete_until, closed_until)

    async def _read_output(self) -> None:
        """Read finals of windows that are complete, and what lies between them."""
        while wanted := [
            p for p in self._outputs.unread if self._newest_final[p] < self._ledger.complete_until
        ]:
            for partition, records in await self._outputs.fetch(wanted):
                for record in await jsons(self._output_format, records):
                    self._take_final(partition, record)

    def _take_final(self, partition: int, record: object) -> None:
        try:
            final = self._subject.decode(partition, record)
        except UnreadableError as exc:
            self._unreadable[str(exc)] = self._unreadable.get(str(exc), 0) + 1
            return
        if final is None:
            return
        self._newest_final[partition] = max(self._newest_final[partition], final.window)
        if self._within.holds(final.window, self._subject.window_ms):
            self._finals += 1
            self._ledger.find(final)

    async def _final_verdict(self, wait_seconds: float) -> Verdict:
        deadline = time.monotonic() + wait_seconds
        while True:
            await self._outputs.extend()
            await self._read_output()
            verdict = self._ledger.verdict(await self._still_until())
            if not verdict.differences.counts["missing"] or time.monotonic() >= deadline:
                return verdict
            await asyncio.sleep(POLL_SECONDS)

    def _check_readable(self) -> None:
        if self._unreadable and max(self._newest_final) < 0:
            n, problems = sum(self._unreadable.values()), "; ".join(self._unreadable)
            raise VerifyError(
                f"None of {n:,} records of {self._subject.output_topic} is a final: {problems}",
                self._subject.hint,
            )

    async def _still_until(self) -> int:
        """Windows before this can't get records any more that we have not read.

        Asked only after the finals were read. A partition that has grown meanwhile may have brought
        the job further than us, so its windows from our stream time on are not to be judged.
        """
        await self._inputs.extend()
        times = self._reference.stream_times
        grown = [times[p] for p in self._inputs.unread]
        return self._reference.first_open(min(grown)) if grown else FOREVER


async def compare(
    settings: Settings,
    subject: Subject,
    partitions: Mapping[str, int],
    within: TimeRange,
    keep: int | None,
    wait_seconds: float,
    progress: Progress,
) -> Outcome:
    """Compare the finals of the output topic with those that the input topic calls for.

    `partitions` are the two topics' numbers of partitions. Finals that are missing have
    `wait_seconds` to appear, for the job may be just at them. Raises VerifyError, and what the
    client raises.
    """
    now_ms = time.time_ns() // 1_000_000
    kafka, formats = settings.kafka, Formats(settings)
    input_topic, output_topic = subject.input_topic, subject.output_topic
    # What a record is stamped with may tell nothing of where the range begins.
    since = within.start if subject.is_stamped else 0
    await formats.start()
    async with (
        aclosing(formats),
        reading(kafka, input_topic, partitions[input_topic], since) as inputs,
        reading(kafka, output_topic, partitions[output_topic], within.start) as outputs,
    ):
        newest = now_ms + settings.max_ahead_ms
        comparison = Comparison(subject, within, inputs, outputs, formats, newest, keep)
        return await comparison.run(progress, wait_seconds)
