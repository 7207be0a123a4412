"""What `tally verify` shows to people: a list cut short, and a terminal's bar until Ctrl-C."""

import os
import select
import signal
import subprocess
import sys

from tests.load import BEGIN
from tests.verify.scribe import CLOSED, END, ROWS, Rows, Scribe, command, verify
from tests.worker import clean_environment


def test_many_differences_are_cut_short(app: Scribe) -> None:
    rows: Rows = [[*((f"#t{i % 30}".encode(), BEGIN + i) for i in range(150)), END], [END]]
    app.write(rows)
    code, report = verify(app)
    assert (code, report["counts"]["missing"], len(report["differences"])) == (1, 30, 20)
    assert "... and 10 more; --all lists them" in command(app).stdout
    assert len(verify(app, "--all")[1]["differences"]) == 30


def test_ctrl_c_ends_it_cleanly(app: Scribe) -> None:
    """On a terminal, where a bar tells that all was read: then it waits for missing finals."""
    app.write(CLOSED)
    terminal, stderr = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "verify", "--wait", "60"],
        env={**clean_environment(), **app.variables, "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=stderr,
        # Tests in the background of a shell ignore Ctrl-C, and would hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(stderr)
    try:
        n = len(ROWS) + 2
        told = shown(terminal, b"%d/%d" % (n, n))
        process.send_signal(signal.SIGINT)
        told += shown(terminal, b"interrupted")
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(terminal)
    assert process.returncode == 130, told
    assert b"Traceback" not in told
    assert not out


def shown(terminal: int, text: bytes) -> bytes:
    """What comes out of a terminal until it shows `text`."""
    told = b""
    while text not in told:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, told
        told += os.read(terminal, 10_000)
    return told
