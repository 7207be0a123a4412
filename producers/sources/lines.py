"""Lines of a file or of standard input."""

from collections.abc import AsyncIterator

from producers.blocks import blocks

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
    splitter = _Splitter()
    async for block in blocks(path):
        yield splitter.lines(block)
    yield splitter.last()
