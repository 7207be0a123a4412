"""Expected and found finals, matched as both come in; what doesn't match is a difference.

The input's windows come in as they are complete: all of their records were read. Finals of windows
that are not complete yet are put by. All times in ms.

A complete window is *closed by the input* if the records of every partition pass its end and grace.
If not, the running job may still have closed it, by the idle timeout. What is found wrong there is
kept apart until the end, when it is known whether the input stood still: see `verdict`.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from streams.verify.finals import Final
from streams.verify.seen import Seen

Kind = Literal["missing", "different", "repeated", "extra"]
KINDS: tuple[Kind, ...] = ("missing", "different", "repeated", "extra")


class Difference(NamedTuple):
    """One final that isn't as it should be; `expected` is None where there should be none."""

    kind: Kind
    window: int
    key: str
    expected: Any
    final: Final | None


class Differences:
    """Counts all, and keeps the first `keep` of each kind; None: all of them."""

    def __init__(self, keep: int | None) -> None:
        self.counts: Counter[Kind] = Counter()
        self.kept: list[Difference] = []
        self._keep = keep

    def add(self, difference: Difference) -> None:
        self.counts[difference.kind] += 1
        if self._keep is None or self.counts[difference.kind] <= self._keep:
            self.kept.append(difference)

    def copy(self) -> "Differences":
        copy = Differences(self._keep)
        copy.counts, copy.kept = self.counts.copy(), self.kept.copy()
        return copy


@dataclass(slots=True)
class Verdict:
    """What the comparison came to, up to `judged_until` and in all it could tell beyond."""

    differences: Differences
    judged_until: int
    closed_windows: int
    idle_windows: int
    open_windows: int
    expected: int


class Ledger:
    """See the module. `keep`: how many differences of each kind to keep, None for all."""

    def __init__(self, keep: int | None) -> None:
        self._complete_until = 0
        self._closed_until = 0
        self._pending: dict[int, dict[str, Any]] = {}
        self._early: defaultdict[int, list[Final]] = defaultdict(list)
        self._seen = Seen()
        self._closed_windows = 0
        self._expected = 0
        self._settled = Differences(keep)
        # Of windows that the input hasn't closed: differences, and the number of finals expected.
        self._unsettled: list[Difference] = []
        self._unclosed: dict[int, int] = {}
        self._newest_idle = -1

    @property
    def complete_until(self) -> int:
        """All windows that start before this are complete."""
        return self._complete_until

    def expect(
        self, windows: Mapping[int, dict[str, Any]], complete_until: int, closed_until: int
    ) -> None:
        """Take in complete windows' finals; the input has closed those before `closed_until`."""
        self._complete_until = max(self._complete_until, complete_until)
        self._closed_until = max(self._closed_until, closed_until)
        for window, finals in windows.items():
            if finals:
                self._pending[window] = finals
            if window < self._closed_until:
                self._closed_windows += 1
                self._expected += len(finals)
            else:
                self._unclosed[window] = len(finals)
        for window in [w for w in self._early if w < self._complete_until]:
            for final in self._early.pop(window):
                self._judge(final)

    def find(self, final: Final) -> None:
        """Take in a final of the output topic."""
        if final.window < self._complete_until:
            self._judge(final)
        else:
            self._early[final.window].append(final)

    def _judge(self, final: Final) -> None:
        window, key = final.window, final.key
        expected = self._pending.get(window, {}).pop(key, None)
        if expected is None:
            kind: Kind = "repeated" if self._seen.holds(window, key) else "extra"
            self._differs(Difference(kind, window, key, None, final))
            return
        if not self._pending[window]:
            del self._pending[window]
        self._seen.add(window, key)
        if window >= self._closed_until:
            self._newest_idle = max(self._newest_idle, window)
        if final.found != expected:
            self._differs(Difference("different", window, key, expected, final))

    def _differs(self, difference: Difference) -> None:
        if difference.window < self._closed_until:
            self._settled.add(difference)
        else:
            self._unsettled.append(difference)

    def verdict(self, still_until: int) -> Verdict:
        """What can be told now; nothing can be read any more for windows before `still_until`.

        The job closes windows in their order. So those that the input hasn't closed were closed
        by idle sources up to the newest of which an expected final was found.
        """
        judged_until = max(self._closed_until, min(still_until, self._newest_idle + 1))
        differences = self._settled.copy()
        # An extra final is wrong in an open window too: idle sources make counts lower, not higher.
        for difference in self._unsettled:
            if difference.window < still_until:
                differences.add(difference)
        for window in sorted(self._pending):
            if window < judged_until:
                for key, expected in self._pending[window].items():
                    differences.add(Difference("missing", window, key, expected, None))
        idle = [n for window, n in self._unclosed.items() if window < judged_until]
        return Verdict(
            differences,
            judged_until,
            self._closed_windows,
            len(idle),
            len(self._unclosed) - len(idle),
            self._expected + sum(idle),
        )
