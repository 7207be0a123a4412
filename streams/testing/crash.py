"""Crash points: every await of a worker is one, and a test picks the one to die at."""

from collections import Counter
from collections.abc import Awaitable, Callable

Point = Callable[[str], Awaitable[None]]


class Crash(BaseException):
    """The worker's process dies here. No `except Exception` gets hold of it, as of no `kill -9`."""


class CrashPlan:
    """Counts the points that workers reach, and raises at the nth one from now.

    `only` counts the points of one name instead of all. `raises` makes what is raised from the
    point's name: a `Crash`, or an error such as a TransactionError for an answer that never came.
    Points named like "end-txn" precede an effect, those named like "txn-ended" follow it.
    """

    def __init__(
        self,
        at: int = 0,
        only: str | None = None,
        raises: Callable[[str], BaseException] = Crash,
    ) -> None:
        self._at = at
        self._only = only
        self._raises = raises
        self.reached = 0
        #: How often each point was reached.
        self.names: Counter[str] = Counter()
        #: The point at which it raised.
        self.struck: str | None = None

    def point(self, name: str) -> None:
        """Note a point; raise if it is the one."""
        self.names[name] += 1
        if self._only in (None, name):
            self.reached += 1
            if self.reached == self._at:
                self.struck = name
                raise self._raises(name)
