"""The final result of one key in one window."""

from typing import Generic, NamedTuple, TypeVar

R = TypeVar("R")


class Final(NamedTuple, Generic[R]):
    """What a key came to in the window [window_start, window_end), in ms since the epoch."""

    key: bytes
    value: R
    window_start: int
    window_end: int

    @property
    def timestamp(self) -> int:
        """The timestamp of its record (ms): the last one that the window holds."""
        return self.window_end - 1
