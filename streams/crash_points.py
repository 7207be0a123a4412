"""Named places at which a fault test kills or freezes the process; see tests/faults.

`TALLY_CRASH_AT=name:n` kills the process with SIGKILL when it reaches the place `name` for the nth
time, `name:n:stop` freezes it with SIGSTOP. Without the variable a place costs one comparison.
"""

import os
import signal
import threading

VARIABLE = "TALLY_CRASH_AT"

#: Places of tasks that count.
COUNTING = (
    "before-produce",
    "before-end",
    "after-end",
    "before-write-batch",
    "after-write-batch",
    "in-restore",
    "at-revoke",
    "in-chunked-close",
)
#: Places of tasks that archive.
ARCHIVING = ("after-plan", "in-upload", "in-parts", "after-upload")
#: Every place there is, so that a test can ask for each, and a misspelt one is refused.
NAMES = COUNTING + ARCHIVING


def _wanted() -> tuple[str, int, signal.Signals]:
    name, n, how, *_ = f"{os.environ.get(VARIABLE, '')}::".split(":")
    if name and name not in NAMES:
        raise ValueError(f"{VARIABLE}: {name!r} is none of {', '.join(NAMES)}")
    return name, int(n or 1), signal.SIGSTOP if how == "stop" else signal.SIGKILL


_name, _left, _signal = _wanted()


def reached(name: str) -> None:
    """Die or freeze here, if this is the place and the time that the environment names."""
    global _left
    if name != _name:
        return
    _left -= 1
    if _left == 0:
        # To this very thread, which would run on for a moment if another one took the signal.
        signal.pthread_kill(threading.get_ident(), _signal)
