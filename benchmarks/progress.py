"""Says on stderr what is being measured, for that takes minutes."""

import sys
import time

REPEAT_SECONDS = 5.0


def say(text: str) -> None:
    """One line of progress."""
    print(f"benchmark: {text}", file=sys.stderr, flush=True)


class Progress:
    """How much of `total` is done: a line now and then, not for every step."""

    def __init__(self, what: str, total: int = 0) -> None:
        self._what = what
        self._total = total
        self._said_at = time.monotonic()
        say(what)

    def left(self, records: int) -> None:
        """Note that so many are not done yet."""
        self._say(f"{records:,} left")

    def at(self, done: int) -> None:
        """Note that `done` of the total is done."""
        self._say(f"{done:,} of {self._total:,}")

    def _say(self, how_far: str) -> None:
        now = time.monotonic()
        if now - self._said_at >= REPEAT_SECONDS:
            self._said_at = now
            say(f"{self._what}: {how_far}")
