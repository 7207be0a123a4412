"""Who may send records over HTTP: those that have one of the file's tokens. None is ever logged."""

import hashlib
import hmac
import logging
from pathlib import Path

from streams.errors import SettingError, UnauthorizedError

log = logging.getLogger(__name__)

VARIABLE = "STREAMS_INGEST_TOKENS_FILE"
#: What can be guessed protects nothing.
LENGTH = 16


class ApiTokens:
    """The tokens of a file: one a line; empty lines and those that begin with # are none.

    Making one raises SettingError.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._digests = _digests_in(file)
        self._told = ""

    def reread(self) -> None:
        """Follow the file. What can't be used is logged, and changes nothing. Blocks."""
        try:
            self._digests = _digests_in(self._file)
            self._told = ""
        except SettingError as exc:
            if str(exc) != self._told:
                log.warning("The former API tokens stay valid: %s", exc)
                self._told = str(exc)

    def check(self, authorization: str) -> None:
        """Raises UnauthorizedError unless the header is `Bearer <token>` with one of them."""
        scheme, _, token = authorization.partition(" ")
        digest = _digest(token.strip())
        # All are compared: a wrong one takes as long as a right one.
        is_known = sum(hmac.compare_digest(digest, known) for known in self._digests)
        if scheme.lower() != "bearer" or not is_known:
            raise UnauthorizedError("A valid token is needed", "Send Authorization: Bearer <token>")


def _digests_in(file: Path) -> list[bytes]:
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as exc:
        raise SettingError(VARIABLE, f"can't be read: {type(exc).__name__}") from None
    tokens = [line for line in lines if line and not line.startswith("#")]
    if not tokens:
        raise SettingError(VARIABLE, "holds no token", "a file of tokens, one a line")
    if any(len(token) < LENGTH for token in tokens):
        raise SettingError(VARIABLE, f"a token is shorter than {LENGTH} characters")
    return [_digest(token) for token in tokens]


def _digest(token: str) -> bytes:
    # A header's bytes may be anything.
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
