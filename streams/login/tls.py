"""A client's TLS context that follows its files: connections use the certificates of the moment."""

import logging
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from streams.errors import SettingError
from streams.file_stamp import Stamp, stamp
from streams.setting_kinds import Secret

log = logging.getLogger(__name__)


def client_context(
    cafile: Path | None, certfile: Path | None, keyfile: Path | None, password: Secret | None
) -> "FollowingContext":
    """A context that trusts `cafile`, or the system's CAs, and shows `certfile`, if there is one.

    `password` is that of the key. Raises SettingError for files that can't be used.
    """

    def make() -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=cafile)
        except (ssl.SSLError, OSError) as exc:
            raise SettingError("KAFKA_SSL_CAFILE", f"can't be used: {exc}", "a PEM file") from exc
        if certfile is not None:
            # Without a password OpenSSL would ask for one on the terminal, and wait.
            text = password.reveal() if password is not None else ""
            try:
                context.load_cert_chain(certfile, keyfile, lambda: text)
            except (ssl.SSLError, OSError) as exc:
                problem = f"can't be used with its key and KAFKA_SSL_PASSWORD: {exc}"
                raise SettingError("KAFKA_SSL_CERTFILE", problem, "a PEM file") from exc
        return context

    return FollowingContext(make, [f for f in (cafile, certfile, keyfile) if f is not None])


class FollowingContext(ssl.SSLContext):
    """Makes its connections by what `make` gives, called anew when any of `files` has changed.

    Where the new files can't be used, as between the replacement of a certificate and of its key,
    the former ones stay in use.
    """

    _inner: ssl.SSLContext
    _make: Callable[[], ssl.SSLContext]
    _files: Sequence[Path]
    _stamps: list[Stamp | None]

    def __new__(cls, make: Callable[[], ssl.SSLContext], files: Sequence[Path]) -> Self:
        """Call `make` for the first time; raises what it raises."""
        self = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        self._make, self._files = make, files
        # Before they are read: what changes meanwhile is seen as changed.
        self._stamps = [stamp(file) for file in files]
        self._inner = make()
        return self

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        """What asyncio makes a connection of."""
        self._follow()
        return self._inner.wrap_bio(*args, **options)

    def _follow(self) -> None:
        try:
            stamps = [stamp(file) for file in self._files]
            if stamps != self._stamps:
                self._inner = self._make()
                self._stamps = stamps
        except SettingError as exc:
            log.warning("Changed TLS files aren't used: %s", exc)
