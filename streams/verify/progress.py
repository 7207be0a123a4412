"""Says on stderr how far the comparison is: a bar on a terminal, else a line now and then."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from streams.verify import comparison
from streams.verify.times import FOREVER, show

#: Seconds between two lines where there is no terminal.
LINE_SECONDS = 5.0


@contextmanager
def reported() -> Iterator[comparison.Progress]:
    """What to tell the progress to, for as long as the context lasts."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda read, total, reached: bar.update(
            task, completed=read, total=total, description=_at(reached)
        )


def _lines(console: Console) -> comparison.Progress:
    said_at = time.monotonic()

    def tell(read: int, total: int, reached: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= LINE_SECONDS:
            said_at = time.monotonic()
            console.print(f"{read:,} of {total:,} records read {_at(reached)}", soft_wrap=True)

    return tell


def _at(reached: int) -> str:
    return f"up to {show(reached)}" if 0 <= reached < FOREVER else ""
