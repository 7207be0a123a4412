"""Results that wait, and which of them may be sent: of each key one at a time."""

from collections import deque

from streams.sinks.appsync.formats import REQUEST_BYTES, Item


class Lanes:
    """See the module. A key's next result comes once the one before is `done`.

    Results without a key have no order.
    """

    def __init__(self) -> None:
        self._ready: dict[str, deque[Item]] = {}
        self._behind: dict[bytes, deque[Item]] = {}

    def add(self, item: Item) -> None:
        """Add a result behind all of its key."""
        key = item.result.key
        if key is None:
            self._make_ready(item)
        elif key in self._behind:
            self._behind[key].append(item)
        else:
            self._behind[key] = deque()
            self._make_ready(item)

    def take(self, most: int) -> list[Item]:
        """Up to `most` results for one request; none if all keys are busy."""
        if not self._ready:
            return []
        group, ready = next(iter(self._ready.items()))
        taken: list[Item] = []
        size = 0
        while ready and len(taken) < most and (not taken or size + ready[0].size <= REQUEST_BYTES):
            item = ready.popleft()
            size += item.size
            taken.append(item)
        # What is left of the group comes after the other groups.
        del self._ready[group]
        if ready:
            self._ready[group] = ready
        return taken

    def done(self, item: Item) -> None:
        """Let the next result of the key follow."""
        key = item.result.key
        if key is None:
            return
        behind = self._behind[key]
        if behind:
            self._make_ready(behind.popleft())
        else:
            del self._behind[key]

    def _make_ready(self, item: Item) -> None:
        self._ready.setdefault(item.group, deque()).append(item)
