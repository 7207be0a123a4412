"""Which offsets of a partition are handed out and not settled yet: how far may be committed."""

from collections import deque


class Outstanding:
    """Offsets come in order and are settled in any order; `position` is the first to come."""

    def __init__(self, position: int) -> None:
        self._position = position
        self._order: deque[int] = deque()
        self._open: set[int] = set()

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, offset: int) -> bool:
        return offset in self._open

    def add(self, offset: int) -> None:
        """Hand out an offset, higher than all before."""
        assert offset >= self._position
        self._order.append(offset)
        self._open.add(offset)
        self._position = offset + 1

    def pass_to(self, position: int) -> None:
        """Note that nothing else is handed out below `position`."""
        self._position = position

    def settle(self, offset: int) -> bool:
        """Be done with an offset; False if it isn't outstanding."""
        if offset not in self._open:
            return False
        self._open.remove(offset)
        while self._order and self._order[0] not in self._open:
            self._order.popleft()
        return True

    @property
    def end(self) -> int:
        """Everything below this was handed out, or isn't there."""
        return self._position

    @property
    def lowest(self) -> int:
        """The offset to go on from after a crash: everything below is settled."""
        return self._order[0] if self._order else self._position
