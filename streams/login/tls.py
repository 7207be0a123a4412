"""A TLS context that follows its files: connections use the certificates of the moment."""

import logging
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from streams.errors import SettingError

log = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int], ...]


class ReloadingContext(ssl.SSLContext):
    """Makes its connections by what `make` gives, called anew when any of `files` has changed.

    Where the new files can't be used, as between the replacement of a certificate and of its key,
    the former ones stay in use.
    """

    _inner: ssl.SSLContext
    _make: Callable[[], ssl.SSLContext]
    _files: Sequence[Path]
    _stamp: Stamp

    def __new__(cls, make: Callable[[], ssl.SSLContext], files: Sequence[Path]) -> Self:
        """Call `make` for the first time; raises what it raises."""
        self = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        self._make, self._files = make, files
        self._stamp = _stamp(files)
        self._inner = make()
        return self

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        """What asyncio makes a connection of."""
        self._follow()
        return self._inner.wrap_bio(*args, **options)

    def _follow(self) -> None:
        try:
            stamp = _stamp(self._files)
            if stamp != self._stamp:
                self._inner = self._make()
                self._stamp = stamp
        except (SettingError, OSError) as exc:
            log.warning("Changed TLS files aren't used: %s", exc)


def _stamp(files: Sequence[Path]) -> Stamp:
    found = (file.stat() for file in files)
    return tuple((status.st_mtime_ns, status.st_ino, status.st_size) for status in found)
