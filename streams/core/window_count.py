"""A key's count in one window, as queries answer it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WindowCount:
    """How often a key was counted in [window_start, window_end), in ms since the epoch."""

    window_start: int
    window_end: int
    count: int
