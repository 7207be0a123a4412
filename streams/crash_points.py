"""Named places at which a fault test kills the process; see tests/faults.

`TALLY_CRASH_AT=name:n` kills the process with SIGKILL when it reaches the place `name` for the nth
time. Without the variable a place costs one comparison.
"""

import os
import signal

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
ARCHIVING = ("after-plan", "in-upload", "after-upload")
#: Every place there is, so that a test can ask for each, and a misspelt one is refused.
NAMES = COUNTING + ARCHIVING


def _wanted() -> tuple[str, int]:
    name, _, n = os.environ.get(VARIABLE, "").partition(":")
    if name and name not in NAMES:
        raise ValueError(f"{VARIABLE}: {name!r} is none of {', '.join(NAMES)}")
    return name, int(n or 1)


_name, _left = _wanted()


def reached(name: str) -> None:
    """Die here, if this is the place and the time that the environment names."""
    global _left
    if name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
