"""The two ways in which messages wait for a slow reader: all of them, or the newest of each key."""

from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable
from functools import partial

from streams.web.live.messages import Item, Message

Waiting = Message | Item


class Queue(ABC):
    """First in, first out; `size` is the sum of the frames in bytes."""

    __slots__ = ("_drop_first", "_in_order", "_items", "size")

    def __init__(
        self,
        items: deque[Waiting] | OrderedDict[Hashable, Waiting],
        in_order: Iterable[Waiting],
        drop_first: Callable[[], object],
    ) -> None:
        self.size = 0
        self._items = items
        self._in_order = in_order
        self._drop_first = drop_first

    @abstractmethod
    def put(self, item: Waiting) -> bool:
        """Append; true if an older one was dropped for it."""

    def take(self, up_to: int) -> list[bytes]:
        """Remove the first frames: one, and as many more as fit into `up_to` bytes."""
        frames: list[bytes] = []
        left = up_to
        for item in self._in_order:
            if frames and len(item.frame) > left:
                break
            left -= len(item.frame)
            frames.append(item.frame)
        for _ in frames:
            self._drop_first()
        self.size -= up_to - left
        return frames

    def clear(self) -> None:
        """Drop all."""
        self._items.clear()
        self.size = 0

    def __len__(self) -> int:
        return len(self._items)


class Fifo(Queue):
    """Keeps all."""

    __slots__ = ("_append",)

    def __init__(self) -> None:
        items: deque[Waiting] = deque()
        super().__init__(items, items, items.popleft)
        self._append = items.append

    def put(self, item: Waiting) -> bool:
        self._append(item)
        self.size += len(item.frame)
        return False


class NewestOnly(Queue):
    """Keeps the newest result of each key, in the place of the newest: cursors never go back."""

    __slots__ = ("_by_name",)

    def __init__(self) -> None:
        self._by_name: OrderedDict[Hashable, Waiting] = OrderedDict()
        first = partial(self._by_name.popitem, last=False)
        super().__init__(self._by_name, self._by_name.values(), first)

    def put(self, item: Waiting) -> bool:
        name: Hashable = item
        if isinstance(item, Message) and item.key is not None:
            name = (item.piece.tp.topic, item.key)
        older = self._by_name.pop(name, None)
        if older is not None:
            self.size -= len(older.frame)
        self._by_name[name] = item
        self.size += len(item.frame)
        return older is not None
