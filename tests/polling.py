"""Waiting for a condition, with a deadline."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator

POLL_SECONDS = 0.05


def until(
    holds: Callable[[], bool],
    what: str,
    seconds: float = 60.0,
    more: Callable[[], str] = lambda: "",
) -> None:
    """Return once `holds()`; else fail by the name `what`, and with what `more()` has to say."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}\n{more()}"
        time.sleep(POLL_SECONDS)


async def until_true(holds: Callable[[], bool | Awaitable[object]], seconds: float = 60.0) -> None:
    """Return once `holds()` is true, or comes to it; raises TimeoutError after `seconds`."""
    pauses = _pauses()
    async with asyncio.timeout(seconds):
        while True:
            held = holds()
            if await held if inspect.isawaitable(held) else held:
                return
            await asyncio.sleep(next(pauses))


def _pauses() -> Iterator[float]:
    """Short at first, for much is true in a moment."""
    pause = 0.001
    while True:
        yield pause
        pause = min(2 * pause, POLL_SECONDS)
