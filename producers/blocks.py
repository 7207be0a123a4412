"""The content of a file or of standard input, read without blocking the event loop."""

import asyncio
import contextlib
import errno
import os
import sys
import threading
from collections.abc import AsyncGenerator, Callable

from streams.errors import BadInputError

BLOCK_BYTES = 256 * 1024
#: Blocks that are read ahead.
AHEAD = 4
STANDARD_INPUT = "-"


async def blocks(path: str) -> AsyncGenerator[bytes, None]:
    """As much of `path` at a time as is there; '-' is standard input. Raises BadInputError."""
    reading = _Reading(path)
    try:
        while block := await reading.next():
            if isinstance(block, OSError):
                name = "Standard input" if path == STANDARD_INPUT else path
                reason = block.strerror or type(block).__name__
                raise BadInputError(f"{name} can't be read: {reason}") from block
            yield block
    finally:
        reading.leave()


class _Reading:
    """A thread that reads at most AHEAD blocks more than were taken, and at last an empty one.

    A read of a pipe may block for ever and can't be cancelled. So it happens in a daemon thread,
    which an exit doesn't wait for, and without Python's buffers, whose locks it would hold then.
    The thread never waits for the event loop, which may end at any moment without an answer: it
    waits for room, and `leave` gives room, too.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes | OSError] = asyncio.Queue(AHEAD)
        self._room = threading.Semaphore(AHEAD)
        self._left = False
        threading.Thread(target=self._run, name="reader", daemon=True).start()

    async def next(self) -> bytes | OSError:
        block = await self._queue.get()
        self._room.release()
        return block

    def leave(self) -> None:
        """Read no more than what is being read."""
        self._left = True
        self._room.release()

    def _run(self) -> None:
        with contextlib.suppress(_NobodyReadsError):
            try:
                _read(self._path, self._put)
            except OSError as exc:
                self._put(exc)
            else:
                self._put(b"")

    def _put(self, block: bytes | OSError) -> None:
        self._room.acquire()
        if self._left:
            raise _NobodyReadsError
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, block)
        except RuntimeError:  # the loop is closed
            raise _NobodyReadsError from None


class _NobodyReadsError(Exception):
    """Who took the blocks has left."""


def _read(path: str, put: Callable[[bytes], None]) -> None:
    if path == STANDARD_INPUT and sys.stdin is None:
        # It was closed when we began; its number may be another file's by now.
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    descriptor = 0 if path == STANDARD_INPUT else os.open(path, os.O_RDONLY)
    try:
        while block := os.read(descriptor, BLOCK_BYTES):
            put(block)
    finally:
        if descriptor:
            os.close(descriptor)
