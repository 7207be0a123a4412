"""A bucket in memory, whose objects may only be replaced by themselves."""

import re
import threading
from collections.abc import Callable
from typing import BinaryIO

from streams.sinks.archive.interval import Check


class MemoryBucket:
    """See `Bucket`. `before` and `after` are called with the number of the call: they may raise."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.calls = 0
        self.repeats = 0
        self.before: Callable[[int], None] = lambda _: None
        self.after: Callable[[int], None] = lambda _: None
        self._lock = threading.Lock()

    def find(self, prefix: str, wanted: re.Pattern[str]) -> str | None:
        keys = [key for key in self.objects if key.startswith(prefix) and wanted.fullmatch(key)]
        return min(keys, default=None)

    def abort(self, prefix: str, wanted: re.Pattern[str]) -> None:
        """Nothing is ever in parts."""

    def store(self, key: str, content_type: str, file: BinaryIO, check: Check) -> int:  # noqa: ARG002
        file.seek(0)
        data = file.read()
        with self._lock:
            self.calls += 1
            call = self.calls
        self.before(call)
        with self._lock:
            self.repeats += key in self.objects
            assert self.objects.get(key, data) == data, f"{key} has changed"
            self.objects[key] = data
        self.after(call)
        return len(data)
