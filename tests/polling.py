"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.05


def until(
    holds: Callable[[], bool],
    what: str,
    seconds: float = 30.0,
    more: Callable[[], str] = lambda: "",
) -> None:
    """Return once `holds()`; else fail by the name `what`, and with what `more()` has to say."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}\n{more()}"
        time.sleep(POLL_SECONDS)
