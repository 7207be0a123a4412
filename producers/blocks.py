"""The content of a file or of standard input, read without blocking the event loop."""

import asyncio
import contextlib
import errno
import os
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import CancelledError

from streams.errors import BadInputError

BLOCK_BYTES = 256 * 1024
#: Blocks that are read ahead.
AHEAD = 4
STANDARD_INPUT = "-"


class _NobodyReadsError(Exception):
    """The event loop has ended, and takes no more."""


async def blocks(path: str) -> AsyncGenerator[bytes, None]:
    """As much of `path` at a time as is there; '-' is standard input. Raises BadInputError."""
    queue: asyncio.Queue[bytes | OSError] = asyncio.Queue(AHEAD)
    _read_in_thread(path, queue)
    while block := await queue.get():
        if isinstance(block, OSError):
            name = "Standard input" if path == STANDARD_INPUT else path
            reason = block.strerror or type(block).__name__
            raise BadInputError(f"{name} can't be read: {reason}") from block
        yield block


def _read_in_thread(path: str, queue: "asyncio.Queue[bytes | OSError]") -> None:
    """Put the blocks of `path`, then an empty one, into the queue.

    A read of a pipe may block for ever and can't be cancelled. So it happens in a daemon thread,
    which an exit doesn't wait for, and without Python's buffers, whose locks it would hold then.
    """
    loop = asyncio.get_running_loop()

    def put(block: bytes | OSError) -> None:
        putting = queue.put(block)
        try:
            asyncio.run_coroutine_threadsafe(putting, loop).result()
        except (CancelledError, RuntimeError):
            putting.close()
            raise _NobodyReadsError from None

    def read() -> None:
        try:
            _read(path, put)
        except OSError as exc:
            put(exc)
        else:
            put(b"")

    def read_unless_left() -> None:
        with contextlib.suppress(_NobodyReadsError):
            read()

    threading.Thread(target=read_unless_left, name="reader", daemon=True).start()


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
