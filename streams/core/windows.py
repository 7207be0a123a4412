"""Tumbling windows over event time, aligned to the epoch. All times are milliseconds."""

from dataclasses import dataclass

#: Stream time of a source that has seen no record: older than any record may be.
NO_TIME = -1
#: Start of the window that holds all times: behind all others, it never ends.
FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class TumblingWindows:
    """Windows [k * size_ms, (k + 1) * size_ms) that wait grace_ms for records behind stream time.

    The rules are those of Kafka Streams' `TimeWindows.ofSizeAndGrace`: a window is closed once
    its end + grace <= stream time, and a record for a closed window is late.
    """

    size_ms: int
    grace_ms: int = 0

    def __post_init__(self) -> None:
        if self.size_ms <= 0 or self.grace_ms < 0:
            raise ValueError("a window needs a positive size and a grace of zero or more")

    def start_of(self, timestamp: int) -> int:
        """Start of the window that holds `timestamp`."""
        return timestamp - timestamp % self.size_ms

    def first_open(self, stream_time: int) -> int:
        """Start of the oldest window that is still open at `stream_time`."""
        return self.start_of(stream_time - self.grace_ms)
