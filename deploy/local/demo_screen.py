"""The live table: drawn anew a few times a second, to fit the terminal."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from deploy.local.demo_results import Rate, Results, Window, WorkerStatus

MAX_ROWS = 30
#: Lines that everything but the ranks takes.
FRAME_LINES = 11
#: How long after its end a window's finals are certainly here.
SETTLED_MS = 3000


@dataclass
class View:
    """All that is shown. Times in ms since the epoch."""

    kafka: str
    page: str
    window_ms: int
    grace_ms: int
    min_mentioned: int
    began: int
    status: WorkerStatus
    results: Results = field(default_factory=Results)
    rate: Rate = field(default_factory=Rate)

    @property
    def first_close(self) -> int:
        """When the window closes in which the simulator began."""
        return self._close_of(self.began - self.grace_ms)

    def next_close(self, now: int) -> int:
        """When the next window closes."""
        return self._close_of(now - self.grace_ms)

    def _close_of(self, moment: int) -> int:
        return (moment // self.window_ms + 1) * self.window_ms + self.grace_ms


def render(view: View, now: int, height: int) -> RenderableType:
    """The screen at the time ``now``."""
    window = view.results.newest
    body = _waiting(view, now) if window is None else _closed(view, window, now, height)
    parts = [_title(view), Rule(style="dim"), body, Rule(style="dim"), _status(view)]
    end = f"Ctrl-C stops everything and leaves nothing behind. Kafka: {view.kafka}"
    stop = Text(end, style="dim", no_wrap=True, overflow="ellipsis")
    return Group(*parts, Padding(stop, (0, 2)))


def render_last(window: Window, height: int) -> RenderableType:
    """What stays behind in the terminal: the newest window."""
    rows = max(1, min(MAX_ROWS, height - FRAME_LINES, len(window.counts)))
    return Padding(Group(_span(window), "", _ranks(window, rows)), (1, 2))


def _title(view: View) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis")
    page = Text.assemble(("live at ", "dim"), (view.page, f"cyan link {view.page}"))
    table.add_column(justify="right", no_wrap=True)
    # Short, for an address that is cut off is of no use.
    table.add_row(Text.assemble(("Tally", "bold cyan"), "  top hashtags"), page)
    return Padding(table, (0, 2))


def _waiting(view: View, now: int) -> RenderableType:
    """A countdown to the first window's close."""
    total = view.first_close - view.began
    if now < view.first_close + SETTLED_MS:
        left = view.first_close - now
        ends = f"in {_seconds(left)}" if left > 0 else "any moment now"
        text = f"The first window closes {ends}."
        done = total - max(0, left)
    else:
        left = view.next_close(now) - now
        text = (
            f"No hashtag came more than {view.min_mentioned} times in a window so far. "
            f"The next one closes in {_seconds(left)}."
        )
        total, done = view.window_ms, view.window_ms - left
    bar = ProgressBar(total=total, completed=done, width=40, complete_style="cyan")
    hint = Text(
        f"Each window lasts {_seconds(view.window_ms)}; its counts appear when it has closed.",
        style="dim",
    )
    return Padding(Group(text, "", bar, "", hint), (2, 2))


def _closed(view: View, window: Window, now: int, height: int) -> RenderableType:
    rows = max(1, min(MAX_ROWS, height - FRAME_LINES))
    head = Table.grid(expand=True)
    head.add_column(no_wrap=True)
    head.add_column(justify="right", style="dim", no_wrap=True, overflow="ellipsis")
    head.add_row(_span(window), f"the next one closes in {_seconds(view.next_close(now) - now)}")
    return Padding(Group(head, "", _ranks(window, rows)), (0, 2))


def _span(window: Window) -> Text:
    return Text.assemble("Window  ", (time_range(window.start, window.end), "bold"))


def _ranks(window: Window, rows: int) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1), header_style="dim")
    table.add_column("rank", justify="right", width=4)
    table.add_column("hashtag", no_wrap=True, overflow="ellipsis", min_width=16, max_width=30)
    table.add_column("count", justify="right", no_wrap=True, min_width=6)
    table.add_column("", ratio=1)
    top = window.top(rows)
    for rank, (hashtag, count) in enumerate(top, start=1):
        bar = Bar(size=top[0][1], begin=0, end=count, color="cyan")
        # Text, for in a plain string square brackets would be taken for styles.
        table.add_row(str(rank), Text(f"#{hashtag}"), Text(f"{count:,}", style="bold"), bar)
    for _ in range(rows - len(top)):
        table.add_row()
    return table


def _status(view: View) -> RenderableType:
    results, window = view.results, view.results.newest
    finals, delay = "none yet", "-"
    if window is not None:
        finals = f"{results}; {len(window.counts):,} of this one"
        delay = f"{window.delay_seconds:.1f} s from the window's end to the last of its finals here"
    healthy = view.status.health == "healthy"
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_row("input", f"{view.rate.per_second:,.0f} records/s, {view.status.records:,} so far")
    table.add_row("finals", finals)
    table.add_row("worker", Text(str(view.status), style="green" if healthy else "bold red"))
    table.add_row("delay", delay)
    return Padding(table, (0, 2))


def time_range(start: int, end: int) -> str:
    """A window's bounds in local time; with milliseconds if it has any."""
    return f"{_clock(start)} - {_clock(end)}"


def _clock(ms: int) -> str:
    text = time.strftime("%H:%M:%S", time.localtime(ms // 1000))
    return f"{text}.{ms % 1000:03d}" if ms % 1000 else text


def _seconds(ms: int) -> str:
    """Rounded up, so that a countdown ends with 1."""
    return f"{-(-ms // 1000):,} s"
