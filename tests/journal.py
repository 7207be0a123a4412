"""What a reader has seen, on disk, so that another process can go on from there."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import IO

#: Hashtag, window start, count.
Final = tuple[str, int, int]


class Journal:
    """A line for each fetch: the finals of it, and the positions behind it.

    Finals and positions are in one line, so they fit together whenever a process ends. Without a
    path, nothing is kept.
    """

    def __init__(self, path: Path | None, partitions: int) -> None:
        self.finals: list[Final] = []
        self.positions = [0] * partitions
        self._file: IO[str] | None = None
        if path is not None:
            self._read(path)
            self._file = path.open("a", encoding="utf-8")

    def add(self, finals: Sequence[Final]) -> None:
        """Note finals, after `positions` were moved behind them."""
        if self._file is not None:
            print(json.dumps([self.positions, finals]), file=self._file, flush=True)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _read(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            path.write_text(whole, encoding="utf-8")  # a line that its writer did not finish
        for line in whole.splitlines():
            self.positions, finals = json.loads(line)
            self.finals += [(tag, window, count) for tag, window, count in finals]
