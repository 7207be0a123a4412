"""Which posts were seen lately, so that repeats can be dropped."""

from collections.abc import Iterable


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
