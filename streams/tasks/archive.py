"""What an archive's task asks of the archive."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from streams.core.columns import TP
from streams.core.source_windows import Aside
from streams.core.unread import Unread
from streams.tasks.plan import Rules


class Letter(NamedTuple):
    """A record that can't be archived, and its key."""

    aside: Aside
    key: bytes | None


class Interval(Protocol):
    """The records of one partition from one offset on, and the objects that they come to.

    What an object is called and what it holds follows from the records and their offsets, the
    offset that ends the interval, and the rules. However often it is made, it is the same.
    """

    @property
    def records(self) -> int:
        """How many records were added, those that aren't archived included."""

    @property
    def archived(self) -> int:
        """How many of them the objects hold."""

    @property
    def rejected(self) -> Sequence[Letter]:
        """Those that can't be archived."""

    @property
    def full(self) -> bool:
        """Whether it should end here."""

    async def add(self, unread: Unread, before: int | None) -> None:
        """Add records until none is left.

        With `before` nothing at that offset or beyond is added. Without it, it ends once the
        interval is full.
        """

    async def upload(self, to: int) -> None:
        """Store the objects of an interval that ends at `to`; takes as long as that takes."""

    def close(self) -> None:
        """Let go of it; what is just being stored comes to an end by itself."""


class Archive(Protocol):
    """Where a topic's records are kept."""

    @property
    def rules(self) -> Rules:
        """Those by which new intervals are archived."""

    @property
    def age_ms(self) -> int:
        """How long an interval's first record waits at most until the interval ends."""

    async def tidy(self, tp: TP) -> None:
        """Throw away what former owners of a partition began to store and never completed."""

    async def begin(self, tp: TP) -> None:
        """Make sure that nothing of a partition is archived yet.

        Raises TaskStoppedError if something is: somebody has lost the partition's offset.
        """

    def interval(self, tp: TP, start: int, rules: Rules) -> Interval:
        """An interval that begins at offset `start`; raises TaskStoppedError for unknown rules."""
