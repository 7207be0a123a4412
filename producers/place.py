"""Where the next run of a stream goes on: a cursor, and the ids published shortly before it."""

import json
from collections.abc import Sequence
from pathlib import Path

from streams.errors import BadInputError


class Place:
    """See the module; in a file. Its methods raise BadInputError."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> tuple[int | None, list[str]]:
        """The cursor and the ids; None and none at the first time."""
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            return int(kept["cursor"]), [str(id_) for id_ in kept["recent"]]
        except FileNotFoundError:
            return None, []
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise BadInputError(
                f"{self._file} doesn't tell where to go on: {type(exc).__name__}",
                "Remove it, to begin with what is posted now",
            ) from exc

    def write(self, cursor: int, recent: Sequence[str]) -> None:
        """Keep both, in place of those before."""
        beside = self._file.with_name(f"{self._file.name}.new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps({"cursor": cursor, "recent": recent}), encoding="utf-8")
            beside.replace(self._file)
        except OSError as exc:
            raise BadInputError(f"{self._file} can't be written: {exc.strerror}") from exc
