"""A wall clock that stands still until a test moves it."""

#: 2027-01-15; whatever the clock begins at, records further ahead than the bound are rejected.
BEGINNING = 1_800_000_000_000


class ManualClock:
    """The wall clock in ms since the epoch; see `Clock` in core.ports."""

    def __init__(self, now: int = BEGINNING) -> None:
        self._now = now

    def now(self) -> int:
        """The current time."""
        return self._now

    def advance(self, ms: int) -> None:
        """Let time pass; a negative `ms` sets the clock back."""
        self._now += ms
