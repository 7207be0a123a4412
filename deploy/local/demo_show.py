"""How the demo speaks: a live table on a terminal, else a line for each final result."""

from __future__ import annotations

import sys
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live

from deploy.local.demo_results import Final, now_ms
from deploy.local.demo_screen import View, render, render_last, time_range


def say(text: str) -> None:
    """Tell on stderr what is being done."""
    with suppress(OSError):  # the terminal may be gone, which is then why we stop
        print(f"demo: {text}", file=sys.stderr, flush=True)


class Show(Protocol):
    """Shows results; entered when there is something to show."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def final(self, final: Final) -> None:
        """A final result has come."""

    def refresh(self, view: View) -> None:
        """Some time has passed."""


def best_show() -> Show:
    """What suits the standard output."""
    console = Console(highlight=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveTable(console)
    return Lines()


class Lines:
    """One line for each final result."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def final(self, final: Final) -> None:
        hashtag = "".join(c if c.isprintable() else "?" for c in final.hashtag)
        span = time_range(final.window_start, final.window_end)
        print(f"{span}  {final.count:>6,}  #{hashtag}", flush=True)

    def refresh(self, view: View) -> None:
        pass


class LiveTable:
    """The table, on a screen of its own; the last one stays behind in the terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, screen=True, auto_refresh=False)
        self._view: View | None = None

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._live.stop()
        if self._view is not None and (newest := self._view.results.newest) is not None:
            self._console.print(render_last(newest, self._console.height))

    def final(self, final: Final) -> None:
        pass

    def refresh(self, view: View) -> None:
        self._view = view
        self._live.update(render(view, now_ms(), self._console.height), refresh=True)
