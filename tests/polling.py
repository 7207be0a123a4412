"""Waiting for a condition, with a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable

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


async def until_true(holds: Callable[[], Awaitable[object]], seconds: float = 30.0) -> None:
    """Return once `holds()` comes to something true; raises TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(POLL_SECONDS)
