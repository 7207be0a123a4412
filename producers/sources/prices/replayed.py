"""Kept quotes, one JSON object a line, as they are published."""

import json
import logging
from collections.abc import AsyncGenerator

from producers.keyed import KeyedRecord
from producers.pacing import paced
from producers.quotes import quote
from producers.sources.lines import MAX_LINE_BYTES, lines

log = logging.getLogger(__name__)

LINES_TOLD = 10


class ReplayedPrices:
    """A Source of the lines of `path`; '-' is standard input. Bad lines are counted, not fatal."""

    def __init__(self, path: str, speed: float) -> None:
        self._path = path
        self._speed = speed
        self.bad_lines = 0

    async def chunks(self) -> AsyncGenerator[list[KeyedRecord], None]:
        async for chunk in paced(self._read(), self._speed):
            yield chunk

    def report(self) -> str:
        return f"{self.bad_lines:,} bad lines skipped" if self.bad_lines else ""

    async def _read(self) -> AsyncGenerator[list[KeyedRecord], None]:
        number = 0
        async for some in lines(self._path):
            chunk = []
            for line in some:
                number += 1
                try:
                    if line.strip():
                        chunk.append(_record(line))
                except ValueError as exc:
                    self._skip(number, exc)
            yield chunk

    def _skip(self, number: int, problem: ValueError) -> None:
        self.bad_lines += 1
        if self.bad_lines <= LINES_TOLD:
            said = "no JSON" if isinstance(problem, json.JSONDecodeError) else problem
            log.warning("%s, line %d skipped: %s", self._path, number, said)
        if self.bad_lines == LINES_TOLD:
            log.warning("Further bad lines are only counted")


def _record(line: bytes) -> KeyedRecord:
    """Raises ValueError."""
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"longer than {MAX_LINE_BYTES:,} bytes")
    fields = json.loads(line)
    if not isinstance(fields, dict):
        raise ValueError("no object")
    return quote(fields.get("ticker"), fields.get("price"), fields.get("event_time")).record()
