"""What a comparison tells: a result, and its words for people or for programs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from streams.settings import Settings
from streams.verify.comparison import Outcome
from streams.verify.ledger import KINDS, Difference
from streams.verify.subjects import Subject
from streams.verify.times import FOREVER, TimeRange, show


class Result(Enum):
    """The exit code of each result."""

    EQUAL = 0
    DIFFERENT = 1
    UNKNOWN = 2


@dataclass(frozen=True, slots=True)
class Report:
    """One comparison; `behind`: input records that the application still has to read."""

    settings: Settings
    subject: Subject
    within: TimeRange
    outcome: Outcome
    behind: int | None

    @property
    def result(self) -> Result:
        verdict = self.outcome.verdict
        kinds = {kind for kind, n in verdict.differences.counts.items() if n}
        if kinds and not (kinds == {"missing"} and self.behind):
            return Result.DIFFERENT
        nothing = verdict.judged_until <= self.within.start
        partial = self.within.end < FOREVER and verdict.open_windows
        return Result.UNKNOWN if kinds or nothing or partial else Result.EQUAL

    def notes(self) -> Iterator[str]:
        """What to know about the result, a sentence each."""
        settings, outcome, verdict = self.settings, self.outcome, self.outcome.verdict
        if verdict.judged_until <= self.within.start:
            yield "No window of the range is closed yet: there is nothing to compare."
        elif verdict.open_windows:
            yield (
                f"Not compared: {_n(verdict.open_windows, 'window')} from "
                f"{show(verdict.judged_until)} on, closed neither by the input nor by idle sources."
            )
        if outcome.cut_off:
            names = ", ".join(map(str, outcome.cut_off))
            yield (
                f"The beginning of {names} is deleted: windows that began there can't be compared. "
                "Compare from a later time."
            )
        if self.behind:
            yield (
                f"{settings.app_id} still has to read {_n(self.behind, 'record')} of these: what "
                "is missing may still come."
            )
        for problem, n in outcome.unreadable.items():
            yield f"No final: {_n(n, 'record')} of {self.subject.output_topic}, since {problem}."
        if verdict.differences.counts:
            yield from self._clocks()

    def _clocks(self) -> Iterator[str]:
        settings = self.settings
        if settings.window_idle_ms:
            yield (
                "An input partition that is idle for "
                f"{settings.window_idle_ms / 1000:g} s follows the wall clock: what comes after "
                "that may be late in the running job but not here."
            )
        yield (
            "Timestamps too far ahead were judged by the wall clock of now; the job judged them by "
            "that of then."
        )

    def as_text(self) -> str:
        """For people."""
        return "\n".join([*self._summary(), *self._listed(), *self.notes()]) + "\n"

    def _summary(self) -> Iterator[str]:
        subject, outcome, verdict = self.subject, self.outcome, self.outcome.verdict
        counts = verdict.differences.counts
        words = {
            Result.EQUAL: "equal",
            Result.DIFFERENT: _n(sum(counts.values()), "difference"),
            Result.UNKNOWN: "can't tell",
        }
        yield f"{subject.output_topic} against {subject.input_topic}: {words[self.result]}"
        yield (
            f"  windows   {verdict.closed_windows:,} closed by the input, "
            f"{verdict.idle_windows:,} by idle sources; {verdict.open_windows:,} not compared"
        )
        yield f"  range     from {_bound(self.within.start)} to {_bound(self._end)}"
        yield f"  records   {outcome.records:,} of the input"
        yield f"  finals    {verdict.expected:,} expected, {outcome.finals:,} in the range"
        if counts:
            yield "            " + ", ".join(f"{counts[kind]:,} {kind}" for kind in KINDS)

    @property
    def _end(self) -> int:
        return min(self.within.end, self.outcome.verdict.judged_until)

    def _listed(self) -> Iterator[str]:
        differences = self.outcome.verdict.differences
        kept = sorted(differences.kept, key=lambda d: (d.window, d.key))
        for difference in kept:
            start, end = (show(ms) for ms in self._bounds(difference))
            yield f"{difference.kind:9}  {start} - {end}  {_in_words(difference)}"
        if left := sum(differences.counts.values()) - len(kept):
            yield f"... and {left:,} more; --all lists them"

    def _bounds(self, difference: Difference) -> tuple[int, int]:
        return difference.window, difference.window + self.subject.window_ms

    def as_json(self) -> str:
        """For programs: one object."""
        outcome, verdict = self.outcome, self.outcome.verdict
        counts = verdict.differences.counts
        return json.dumps(
            {
                "result": self.result.name.lower(),
                "input": self.subject.input_topic,
                "output": self.subject.output_topic,
                "from": show(self.within.start),
                "to": show(self._end),
                "records": outcome.records,
                "windows": {
                    "closed_by_input": verdict.closed_windows,
                    "closed_by_idle_sources": verdict.idle_windows,
                    "not_compared": verdict.open_windows,
                },
                "finals": {"expected": verdict.expected, "found": outcome.finals},
                "unreadable": sum(outcome.unreadable.values()),
                "counts": {kind: counts[kind] for kind in KINDS},
                "differences": [self._as_dict(one) for one in verdict.differences.kept],
                "notes": list(self.notes()),
            },
            ensure_ascii=False,
            indent=2,
        )

    def _as_dict(self, difference: Difference) -> dict[str, Any]:
        start, end = self._bounds(difference)
        final = difference.final
        return {
            "kind": difference.kind,
            "window_start": show(start),
            "window_end": show(end),
            self.subject.key: difference.key,
            "expected": difference.expected,
            "found": None if final is None else final.found,
            "partition": None if final is None else final.partition,
            "offset": None if final is None else final.offset,
        }


def _n(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _bound(ms: int) -> str:
    return "the beginning" if ms == 0 else show(ms)


def _in_words(difference: Difference) -> str:
    # As JSON has it: a key may hold line ends, or nothing at all.
    key = json.dumps(difference.key, ensure_ascii=False)
    expected, final = difference.expected, difference.final
    if final is None:
        return f"{key}: expected {expected}"
    where = f"(partition {final.partition}, offset {final.offset})"
    if expected is None:
        return f"{key}: found {final.found} {where}"
    return f"{key}: expected {expected}, found {final.found} {where}"
