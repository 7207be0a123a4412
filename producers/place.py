"""Where the next run of a stream goes on: a cursor, and the ids published shortly before it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from producers import kept

Kept = tuple[int | None, list[str]]


class Place:
    """See the module; in a file. Its methods raise BadInputError."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> Kept:
        """The cursor and the ids; None and none at the first time."""
        return kept.read(self._file, _parsed, "where to go on") or (None, [])

    def write(self, cursor: int, recent: Sequence[str]) -> None:
        """Keep both, in place of those before."""
        kept.write(self._file, {"cursor": cursor, "recent": recent})


def _parsed(content: Any) -> Kept:
    return int(content["cursor"]), [str(id_) for id_ in content["recent"]]
