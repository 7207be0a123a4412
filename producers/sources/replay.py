"""What was kept, one record a line, from a file or standard input."""

import logging
from collections.abc import AsyncGenerator, Callable
from json import JSONDecodeError
from typing import Generic, TypeVar

from producers.pacing import Timed, paced
from producers.sources.lines import MAX_LINE_BYTES, lines

log = logging.getLogger(__name__)

LINES_TOLD = 10

T = TypeVar("T", bound=Timed)


class Replayed(Generic[T]):
    """A Source of the lines of `path` as `parse` understands them; '-' is standard input.

    `parse` gives None for a line that holds nothing. Where it raises ValueError the line is counted
    as a bad one, and left out.
    """

    def __init__(self, path: str, speed: float, parse: Callable[[bytes], T | None]) -> None:
        self._path = path
        self._speed = speed
        self._parse = parse
        self.bad_lines = 0

    async def chunks(self) -> AsyncGenerator[list[T], None]:
        async for chunk in paced(self._read(), self._speed):
            yield chunk

    def report(self) -> str:
        return f"{self.bad_lines:,} bad lines skipped" if self.bad_lines else ""

    async def _read(self) -> AsyncGenerator[list[T], None]:
        number = 0
        async for some in lines(self._path):
            chunk = []
            for line in some:
                number += 1
                try:
                    if (record := self._parsed(line)) is not None:
                        chunk.append(record)
                except ValueError as exc:
                    self._skip(number, exc)
            yield chunk

    def _parsed(self, line: bytes) -> T | None:
        if len(line) > MAX_LINE_BYTES:
            raise ValueError(f"longer than {MAX_LINE_BYTES:,} bytes")
        return self._parse(line)

    def _skip(self, number: int, problem: ValueError) -> None:
        self.bad_lines += 1
        if self.bad_lines <= LINES_TOLD:
            log.warning("%s, line %d skipped: %s", self._path, number, _brief(problem))
        if self.bad_lines == LINES_TOLD:
            log.warning("Further bad lines are only counted")


def _brief(problem: ValueError) -> str:
    if isinstance(problem, JSONDecodeError):
        return f"no JSON ({problem.msg}, column {problem.colno})"
    if isinstance(problem, UnicodeError):
        return "no UTF-8"
    return str(problem)
