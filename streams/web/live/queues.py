"""The two ways in which messages wait for a slow reader: all of them, or the newest of each key."""

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Protocol

from streams.web.live.messages import Item, Message

Waiting = Message | Item


class Queue(Protocol):
    """First in, first out; `size` is the sum of the frames in bytes."""

    size: int

    def put(self, item: Waiting) -> bool:
        """Append; true if an older one was dropped for it."""

    def take(self, up_to: int) -> list[bytes]:
        """Remove the first frames: one, and as many more as fit into `up_to` bytes."""

    def clear(self) -> None:
        """Drop all."""

    def __len__(self) -> int: ...


class Fifo:
    """Keeps all."""

    __slots__ = ("_items", "size")

    def __init__(self) -> None:
        self._items: deque[Waiting] = deque()
        self.size = 0

    def put(self, item: Waiting) -> bool:
        self._items.append(item)
        self.size += len(item.frame)
        return False

    def take(self, up_to: int) -> list[bytes]:
        frames: list[bytes] = []
        while self._items and (not frames or len(self._items[0].frame) <= up_to):
            frame = self._items.popleft().frame
            up_to -= len(frame)
            self.size -= len(frame)
            frames.append(frame)
        return frames

    def clear(self) -> None:
        self._items.clear()
        self.size = 0

    def __len__(self) -> int:
        return len(self._items)


class NewestOnly:
    """Keeps the newest result of each key, in the place of the newest: cursors never go back."""

    __slots__ = ("_items", "size")

    def __init__(self) -> None:
        self._items: OrderedDict[Hashable, Waiting] = OrderedDict()
        self.size = 0

    def put(self, item: Waiting) -> bool:
        name: Hashable = item
        if isinstance(item, Message) and item.key is not None:
            name = (item.piece.tp.topic, item.key)
        older = self._items.pop(name, None)
        if older is not None:
            self.size -= len(older.frame)
        self._items[name] = item
        self.size += len(item.frame)
        return older is not None

    def take(self, up_to: int) -> list[bytes]:
        frames: list[bytes] = []
        while self._items:
            frame = next(iter(self._items.values())).frame
            if frames and len(frame) > up_to:
                break
            self._items.popitem(last=False)
            up_to -= len(frame)
            self.size -= len(frame)
            frames.append(frame)
        return frames

    def clear(self) -> None:
        self._items.clear()
        self.size = 0

    def __len__(self) -> int:
        return len(self._items)
