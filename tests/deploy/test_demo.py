"""`make demo` as a whole, without a terminal; and how its screen looks on one."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from deploy.local.demo_results import Final, WorkerStatus
from deploy.local.demo_screen import View, render
from tests.polling import until

FIRST_LINES_S = 240
#: The demo gives its children 8 s each, and then kills them.
STOP_S = 90
FINAL_LINE = re.compile(r"\d\d:\d\d:\d\d - \d\d:\d\d:\d\d +([\d,]+)  #\w+\n")
PAGE = re.compile(r"watch it live: (http://[0-9.:]+/)\n")
MARK = "TALLY_DEMO_TEST"


@pytest.fixture
def mark() -> str:
    """What the environment of the demo and of all its processes holds."""
    return uuid.uuid4().hex


@pytest.fixture
def demo(tmp_path: Path, mark: str) -> Iterator[subprocess.Popen[str]]:
    """The demo with windows of 2 s and a Kafka of its own."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("STREAMS_", "KAFKA_"))}
    env |= {"STREAMS_WINDOW_SECONDS": "2", "TMPDIR": str(tmp_path), MARK: mark}
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.local.demo"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=(tmp_path / "stderr").open("w"),
        text=True,
        # A Ctrl-C of the one who runs the tests is not for it.
        start_new_session=True,
    )
    yield process
    process.kill()  # on Linux its children go with it
    process.wait()


def test_without_a_terminal_it_prints_finals_until_it_is_stopped(
    demo: subprocess.Popen[str], tmp_path: Path, mark: str
) -> None:
    assert demo.stdout is not None
    watchdog = threading.Timer(FIRST_LINES_S, demo.kill)
    watchdog.start()
    lines: list[str] = []
    # The most frequent one is in each window, but may be the last that comes of it.
    while len(lines) < 20 or not any("#python" in line for line in lines):
        lines.append(demo.stdout.readline())
        found = FINAL_LINE.fullmatch(lines[-1])
        assert found, (lines, (tmp_path / "stderr").read_text())
        assert int(found[1].replace(",", "")) > 4
    watchdog.cancel()
    said = (tmp_path / "stderr").read_text()
    page = PAGE.search(said)
    assert page, said
    assert asyncio.run(live_count(page[1])) > 4
    assert len(marked(mark)) >= 4 or not Path("/proc").exists()  # Kafka, worker, simulator, itself

    demo.send_signal(signal.SIGINT)
    demo.send_signal(signal.SIGINT)  # who is impatient presses it twice
    rest, _ = demo.communicate(timeout=STOP_S)
    assert demo.returncode == 0, (tmp_path / "stderr").read_text()

    assert all(FINAL_LINE.fullmatch(line) for line in rest.splitlines(keepends=True))
    until(lambda: marked(mark) == [], "all of its processes are gone")
    assert [path.name for path in tmp_path.iterdir()] == ["stderr"]


async def live_count(page: str) -> int:
    """The next final count that the page would show."""
    timeout = aiohttp.ClientTimeout(total=FIRST_LINES_S)
    async with aiohttp.ClientSession(page, timeout=timeout) as session:
        async with session.get("/") as response:
            assert "<title>Tally</title>" in await response.text()
        async with session.ws_connect("/ws?hashtag=*") as connection:
            while "id" not in (message := await connection.receive_json()):
                pass
    return int(message["value"]["count"])


def marked(mark: str) -> list[str]:
    """The command lines of all processes that bear the mark: the demo, and what it has started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has ended meanwhile, or isn't ours
    return found


def view() -> View:
    status = WorkerStatus("healthy", tasks=6, running=6, records=12_345)
    return View(
        kafka="127.0.0.1:9092",
        page="http://127.0.0.1:6066/",
        window_ms=20_000,
        grace_ms=0,
        min_mentioned=4,
        began=1_000_007_000,
        status=status,
    )


def drawn(view: View, now: int, width: int = 80, height: int = 24) -> list[str]:
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(render(view, now, height))
    return capture.get().splitlines()


def test_the_screen_counts_down_to_the_first_window() -> None:
    screen = "\n".join(drawn(view(), 1_000_012_500))
    assert "The first window closes in 8 s." in screen
    assert "healthy, 6 of 6 tasks run" in screen
    assert "The first window closes any moment now." in "\n".join(drawn(view(), 1_000_020_000))
    late = " ".join(" ".join(drawn(view(), 1_000_031_000)).split())
    assert "No hashtag came more than 4 times in a window so far." in late
    assert "The next one closes in 9 s." in late


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (60, 12)])
def test_the_screen_fits_the_terminal(width: int, height: int) -> None:
    shown = view()
    for n in range(100):
        shown.results.add(Final(f"tag[bold]{n:02}", 1000 - n, 1_000_000_000, 1_000_020_000))
    lines = drawn(shown, 1_000_021_000, width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert any("1  #tag[bold]00" in line and "1,000" in line for line in lines)
    assert any("100 of 1 window" in line for line in lines)
    assert lines[0].rstrip().endswith("live at http://127.0.0.1:6066/")


def test_the_newest_window_is_shown() -> None:
    shown = view()
    for start, hashtag in ((20_000, "second"), (0, "first"), (40_000, "third")):
        shown.results.add(Final(hashtag, 5, start, start + 20_000))
    screen = "\n".join(drawn(shown, 61_000))
    assert "#third" in screen
    assert "#first" not in screen
    assert "3 of 3 windows" in screen
