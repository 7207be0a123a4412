"""Which finals were found already, in eight bytes each."""

from array import array
from bisect import bisect_left


class Seen:
    """Remembers a hash of each final, so that a long range needs little memory.

    Two finals of a window that share a 64-bit hash would make an extra one look like a repeated
    one: still a difference, under another name.
    """

    def __init__(self) -> None:
        self._hashes: dict[int, array[int]] = {}
        self._sorted: set[int] = set()

    def add(self, window: int, key: str) -> None:
        self._hashes.setdefault(window, array("q")).append(hash(key))
        self._sorted.discard(window)

    def holds(self, window: int, key: str) -> bool:
        hashes = self._hashes.get(window)
        if hashes is None:
            return False
        if window not in self._sorted:
            # Only for windows that are asked about, which few are unless all is repeated.
            hashes = self._hashes[window] = array("q", sorted(hashes))
            self._sorted.add(window)
        wanted = hash(key)
        i = bisect_left(hashes, wanted)
        return i < len(hashes) and hashes[i] == wanted
