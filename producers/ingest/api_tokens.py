"""Who may send records over HTTP: those that have one of the file's tokens. None is ever logged."""

import hashlib
import hmac
from pathlib import Path

from streams.errors import SettingError, UnauthorizedError

VARIABLE = "STREAMS_INGEST_TOKENS_FILE"
#: What can be guessed protects nothing.
LENGTH = 16


class ApiTokens:
    """The tokens of a file: one a line; empty lines and those that begin with # are none."""

    def __init__(self, file: Path) -> None:
        self._digests = [_digest(token) for token in _read(file)]

    def check(self, authorization: str) -> None:
        """Raises UnauthorizedError unless the header is `Bearer <token>` with one of them."""
        scheme, _, token = authorization.partition(" ")
        digest = _digest(token.strip())
        # All are compared: a wrong one takes as long as a right one.
        is_known = sum(hmac.compare_digest(digest, known) for known in self._digests)
        if scheme.lower() != "bearer" or not is_known:
            raise UnauthorizedError("A valid token is needed", "Send Authorization: Bearer <token>")


def _read(file: Path) -> list[str]:
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as exc:
        raise SettingError(VARIABLE, f"can't be read: {type(exc).__name__}") from None
    tokens = [line for line in lines if line and not line.startswith("#")]
    if not tokens:
        raise SettingError(VARIABLE, "holds no token", "a file of tokens, one a line")
    if any(len(token) < LENGTH for token in tokens):
        raise SettingError(VARIABLE, f"a token is shorter than {LENGTH} characters")
    return tokens


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
