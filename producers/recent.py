"""Which posts were seen lately: streams that repeat some are told from those that don't."""

from collections.abc import Iterable, Iterator


class RecentIds:
    """The last `limit` ids."""

    def __init__(self, limit: int, ids: Iterable[str] = ()) -> None:
        self._limit = limit
        self._ids = dict.fromkeys(ids)

    def add(self, id_: str) -> bool:
        """Remember an id; False if it is known already."""
        if id_ in self._ids:
            return False
        self._ids[id_] = None
        if len(self._ids) > self._limit:
            del self._ids[next(iter(self._ids))]
        return True

    def __iter__(self) -> Iterator[str]:
        """From the oldest to the newest."""
        return iter(self._ids)
