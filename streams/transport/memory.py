"""How a worker's process allocates: what Python and the C library do by default costs too much."""

import contextlib
import ctypes
import gc

#: Objects more than before, after which Python looks for cycles among the young ones.
GARBAGE_THRESHOLD = 50_000
#: Places that glibc's malloc keeps freed memory in; RocksDB's threads would each get their own.
ARENAS = 2

_M_ARENA_MAX = -8  # of malloc.h


def few_arenas() -> None:
    """Let threads share allocation arenas; has to come before threads start. glibc only."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)


def collect_garbage_rarely() -> None:
    """Let Python look for reference cycles less often than it does by default.

    A transaction makes tens of thousands of tuples, and each 700 of them would cause a search; most
    of a worker's objects are freed by their reference counts.
    """
    gc.collect()
    gc.freeze()  # modules, classes, and the application itself stay anyway
    gc.set_threshold(GARBAGE_THRESHOLD, 10, 10)
