"""Kept tweets, one JSON object or plain hashtag a line, from a file or standard input."""

import asyncio
import json
import logging
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from producers.hashtags import TaggedTweet, tagged
from producers.pacing import paced
from streams.errors import BadInputError

log = logging.getLogger(__name__)

BLOCK_BYTES = 256 * 1024
MAX_LINE_BYTES = 512 * 1024
LINES_TOLD = 10


class ReplayedTweets:
    """A Source of the lines of `path`; '-' is standard input. Bad lines are counted, not fatal."""

    def __init__(self, path: str, speed: float) -> None:
        self._path = path
        self._speed = speed
        self.bad_lines = 0

    async def chunks(self) -> AsyncGenerator[list[TaggedTweet], None]:
        async for chunk in paced(self._read(), self._speed):
            yield chunk

    def report(self) -> str:
        return f"{self.bad_lines:,} bad lines skipped" if self.bad_lines else ""

    async def _read(self) -> AsyncGenerator[list[TaggedTweet], None]:
        number = 0
        async for lines in _lines(self._path):
            chunk = []
            for line in lines:
                number += 1
                try:
                    if tweet := parse(line):
                        chunk.append(tweet)
                except ValueError as exc:
                    self._skip(number, exc)
            yield chunk

    def _skip(self, number: int, problem: ValueError) -> None:
        self.bad_lines += 1
        if self.bad_lines <= LINES_TOLD:
            log.warning("%s, line %d skipped: %s", self._path, number, _brief(problem))
        if self.bad_lines == LINES_TOLD:
            log.warning("Further bad lines are only counted")


def parse(line: bytes) -> TaggedTweet | None:
    """A tweet, `{"data": tweet}` or a hashtag; None for an empty line; else raises ValueError."""
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"longer than {MAX_LINE_BYTES:,} bytes")
    text = line.decode().strip()
    if not text:
        return None
    if not text.startswith("{"):
        hashtag = text.removeprefix("#")
        if not hashtag:
            raise ValueError("no hashtag")
        return TaggedTweet([hashtag.encode()], None)
    tweet = json.loads(text)
    return tagged(tweet.get("data", tweet))


def _brief(problem: ValueError) -> str:
    if isinstance(problem, json.JSONDecodeError):
        return f"no JSON ({problem.msg}, column {problem.colno})"
    if isinstance(problem, UnicodeError):
        return "no UTF-8"
    return str(problem)


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


async def _lines(path: str) -> AsyncIterator[list[bytes]]:
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
