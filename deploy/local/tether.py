"""Starts a program that dies when its parent does. Run as a script: PARENT_PID PROGRAM ARGS...

This tiny process asks Linux to be killed together with its parent and then *becomes* the program
(exec keeps the request and the process id). Elsewhere it just becomes the program. A hook between
fork and exec would do the same, but isn't safe in a parent that has threads.

Linux ties the request to the parent's *thread* that started the process: see ``broker.py``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent_pid: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:
            sys.exit("the parent died before its request was in place")
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
