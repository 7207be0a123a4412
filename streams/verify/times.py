"""Times as people write and read them: ISO 8601."""

from dataclasses import dataclass

from streams.core.iso_time import parse_iso, show_iso

#: Later than any timestamp of a record.
FOREVER = 2**63


def parse(text: str) -> int:
    """Epoch ms of an ISO 8601 time (UTC unless it says otherwise), or of digits.

    Raises ValueError for anything else, and for times before 1970.
    """
    ms = int(text) if text.isascii() and text.isdecimal() else parse_iso(text)
    if not 0 <= ms < FOREVER:
        raise ValueError(f"{text!r} is not a time from 1970 on")
    return ms


def show(ms: int) -> str:
    """ISO 8601 in UTC, with milliseconds where there are some; digits beyond the year 9999."""
    try:
        return show_iso(ms, "milliseconds" if ms % 1000 else "seconds")
    except OverflowError:
        return str(ms)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The windows to compare: those that lie in [start, end) as a whole; ms since the epoch."""

    start: int = 0
    end: int = FOREVER

    def holds(self, window_start: int, window_ms: int) -> bool:
        return self.start <= window_start and window_start + window_ms <= self.end
