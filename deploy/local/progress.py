"""Says on stderr what is being done, for a start may take a while the first time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TransferSpeedColumn,
)

# What jgo calls for each file: (name, size) -> a context that yields "so many more bytes".
FileProgress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


class Reporter:
    """One line per stage, and a bar for a download where there is a terminal to draw it on."""

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet, highlight=False)

    def say(self, text: str) -> None:
        self._console.print(f"local kafka: {text}", soft_wrap=True, markup=False)

    @contextmanager
    def download(self, title: str, total_bytes: int) -> Iterator[FileProgress]:
        """Show the download of several files, ``total_bytes`` altogether."""
        self.say(f"{title} ({total_bytes / 1e6:.0f} MB)")
        bar = Progress(
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        with bar:
            task = bar.add_task("", total=total_bytes)

            @contextmanager
            def one_file(name: str, _size: int) -> Iterator[Callable[[int], None]]:
                bar.update(task, description=name)
                yield lambda count: bar.advance(task, count)

            yield one_file
