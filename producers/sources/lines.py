"""Lines of a file or of standard input, read without blocking the event loop."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable

from streams.errors import BadInputError

BLOCK_BYTES = 256 * 1024
MAX_LINE_BYTES = 512 * 1024


class _Splitter:
    """Cuts blocks into lines. Of one that is too long it keeps just enough to tell."""

    def __init__(self) -> None:
        self._rest = b""

    def lines(self, block: bytes) -> list[bytes]:
        *whole, rest = (self._rest + block).split(b"\n")
        self._rest = rest[: MAX_LINE_BYTES + 1]
        return whole

    def last(self) -> list[bytes]:
        return [self._rest] if self._rest else []


async def lines(path: str) -> AsyncIterator[list[bytes]]:
    """The lines of `path`, as many at a time as are there; '-' is standard input.

    Of a line longer than MAX_LINE_BYTES it gives one byte more than that. Raises BadInputError.
    """
    blocks: asyncio.Queue[bytes | OSError] = asyncio.Queue(maxsize=4)
    _read_in_thread(path, blocks)
    splitter = _Splitter()
    while block := await blocks.get():
        if isinstance(block, OSError):
            reason = block.strerror or type(block).__name__
            raise BadInputError(f"{path} can't be read: {reason}") from block
        yield splitter.lines(block)
    yield splitter.last()


def _read_in_thread(path: str, blocks: "asyncio.Queue[bytes | OSError]") -> None:
    """Put the blocks of `path`, then an empty one, into the queue.

    A read of a pipe may block for ever and can't be cancelled. So it happens in a daemon thread,
    which an exit doesn't wait for, and without Python's buffers, whose locks it would hold then.
    """
    loop = asyncio.get_running_loop()

    def put(block: bytes | OSError) -> None:
        asyncio.run_coroutine_threadsafe(blocks.put(block), loop).result()

    def read() -> None:
        try:
            _read_blocks(path, put)
        except OSError as exc:
            put(exc)
        else:
            put(b"")

    threading.Thread(target=read, name="replay", daemon=True).start()


def _read_blocks(path: str, put: Callable[[bytes], None]) -> None:
    descriptor = 0 if path == "-" else os.open(path, os.O_RDONLY)
    try:
        while block := os.read(descriptor, BLOCK_BYTES):
            put(block)
    finally:
        if descriptor:
            os.close(descriptor)
