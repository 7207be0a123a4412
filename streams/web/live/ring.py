"""The results of the last while, in memory: who was away for a moment is served from here."""

from bisect import bisect_left
from collections import deque
from collections.abc import Mapping

from streams.core.columns import TP
from streams.web.live.messages import Piece


class Ring:
    """Pieces in the order of their arrival; the oldest go when they take more than `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pieces: deque[Piece] = deque()
        self._first = 0
        self.bytes = 0

    @property
    def end(self) -> int:
        """The number of the next piece."""
        return self._first + len(self._pieces)

    def append(self, piece: Piece) -> None:
        """Add the newest one."""
        self._pieces.append(piece)
        self.bytes += piece.size
        while self.bytes > self._max_bytes and len(self._pieces) > 1:
            self.bytes -= self._pieces.popleft().size
            self._first += 1

    def get(self, number: int) -> Piece | None:
        """The piece of that number; None if it is gone, or hasn't come yet."""
        at = number - self._first
        return self._pieces[at] if 0 <= at < len(self._pieces) else None

    def find(self, since: Mapping[TP, int]) -> int | None:
        """The number of the newest piece from which on all records at or after `since` are here.

        None if some are older than the ring. Partitions that `since` doesn't know count from 0.
        """

        def lies_ahead(piece: Piece) -> bool:
            return any(since.get(tp, 0) < offset for tp, offset in piece.start.items())

        # Positions only grow, so all that lie ahead come after all that don't.
        ahead = bisect_left(self._pieces, True, key=lies_ahead)
        return self._first + ahead - 1 if ahead else None

    def __len__(self) -> int:
        return len(self._pieces)

    def clear(self) -> None:
        """Forget all."""
        self._first = self.end
        self._pieces.clear()
        self.bytes = 0
