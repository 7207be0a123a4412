"""The line shows what was acknowledged, and only on a terminal."""

import asyncio
import io

from producers.rate_line import RateLine
from tests.polling import until_true


class Hashtags:
    """What a publisher counts."""

    unit = "hashtags"
    sent = acked = 0
    total = "3,500 hashtags of 1,750 posts"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_line_and_summary() -> None:
    now = [0.0]
    counts = Hashtags()
    line = RateLine(counts, io.StringIO(), lambda: now[0])
    now[0], counts.sent, counts.acked = 2.0, 3500, 3000
    assert line.line() == "1,500 hashtags/s, 3,000 in all, 500 unacknowledged"
    now[0], counts.acked = 4.0, 3500
    assert line.line() == "250 hashtags/s, 3,500 in all, 0 unacknowledged"
    assert line.summary() == "Published 3,500 hashtags of 1,750 posts in 4.0 s (875/s)"


async def test_nothing_is_rewritten_outside_a_terminal() -> None:
    out = io.StringIO()
    await RateLine(Hashtags(), out).run()
    assert out.getvalue() == ""


async def test_rewrites_and_cleans_up_on_a_terminal() -> None:
    out = Terminal()
    task = asyncio.create_task(RateLine(Hashtags(), out).run())
    await until_true(lambda: "hashtags/s" in out.getvalue())
    task.cancel()
    await asyncio.wait({task})
    assert out.getvalue().endswith("\r\x1b[K")
