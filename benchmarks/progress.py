"""Says on stderr what is being measured, for that takes minutes."""

import sys
import time

REPEAT_SECONDS = 5.0


def say(text: str) -> None:
    """One line of progress."""
    print(f"benchmark: {text}", file=sys.stderr, flush=True)


class Progress:
    """How much of `total` is done: a line now and then, not for every step."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._said_at = time.monotonic()
        say(what)

    def at(self, done: int) -> None:
        """Note that `done` of the total is done."""
        now = time.monotonic()
        if now - self._said_at >= REPEAT_SECONDS:
            self._said_at = now
            say(f"{self._what}: {done:,} of {self._total:,}")
