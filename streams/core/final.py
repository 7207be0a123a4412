"""The final result of one key in one window."""

from typing import NamedTuple


class Final(NamedTuple):
    """A key's count in the window [window_start, window_end), in ms since the epoch."""

    key: bytes
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks a final for
    window_start: int
    window_end: int

    @property
    def timestamp(self) -> int:
        """The timestamp of its record (ms): the last one that the window holds."""
        return self.window_end - 1
