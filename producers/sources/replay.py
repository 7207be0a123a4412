"""Kept tweets, one JSON object or plain hashtag a line, from a file or standard input."""

import json
import logging
from collections.abc import AsyncGenerator

from producers.hashtags import TaggedTweet, tagged
from producers.pacing import paced
from producers.sources.lines import MAX_LINE_BYTES, lines

log = logging.getLogger(__name__)

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
        async for some in lines(self._path):
            chunk = []
            for line in some:
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
