"""Ctrl-C and its like: the first one stops the demo, and none after it can stop the stopping."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class StopSignals:
    """Hears SIGINT, SIGTERM and SIGHUP, and passes on the first.

    As a KeyboardInterrupt, which ends a blocking call; or, below :meth:`heard_by`, as a call.
    """

    def __init__(self) -> None:
        self._heard = False
        self._listener: Callable[[], object] | None = None

    def install(self) -> None:
        """Listen from now on."""
        signal.signal(signal.SIGINT, self._hear)
        signal.signal(signal.SIGTERM, self._hear)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # below nohup it is ignored
            signal.signal(signal.SIGHUP, self._hear)

    def ignore(self) -> None:
        """Let none interrupt the interpreter's end; it would restore what they do by default."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    @contextmanager
    def heard_by(
        self, listener: Callable[[], None], loop: asyncio.AbstractEventLoop
    ) -> Iterator[None]:
        """Have ``loop`` call ``listener`` instead.

        What follows is cleaning up, so afterwards nothing is passed on any more. (The loop's own
        handlers won't do: once it is closed, SIGTERM would end the process on the spot.)
        """
        self._listener = lambda: loop.call_soon_threadsafe(listener)
        try:
            yield
        finally:
            self._heard = True

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if self._heard:
            return
        self._heard = True
        if self._listener is None:
            raise KeyboardInterrupt
        self._listener()
