"""Who may see what: the tokens' file, read again when it changes. No token is ever logged."""

import asyncio
import hashlib
import hmac
import json
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.errors import SettingError
from streams.file_stamp import stamp
from streams.web.live.selection import ALL

log = logging.getLogger(__name__)

VARIABLE = "STREAMS_LIVE_TOKENS_FILE"
FORM = 'JSON such as {"<token>": {"name": "anna", "keys": ["kafka", "py*"], "admin": false}}'
#: Long, for what can be guessed protects nothing; and what a browser takes for a subprotocol.
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,512}")


@dataclass(frozen=True)
class Grant:
    """What a token allows; `keys` are exact, or beginnings that end in `*`."""

    name: str
    keys: tuple[str, ...]
    admin: bool = False

    def allows(self, key: str) -> bool:
        """Whether this key may be seen; `*` asks for all of them."""
        if ALL in self.keys:
            return True
        return key != ALL and any(_matches(key, pattern) for pattern in self.keys)


#: Without a tokens' file.
EVERYBODY = Grant("", (ALL,))


class Tokens:
    """The file's content. Raises SettingError if it is wrong at first; later it is kept."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp = stamp(file)
        self._grants = read_grants(file)

    def find(self, digest: bytes) -> Grant | None:
        """What a token allows; takes as long for a wrong one as for a right one."""
        found = None
        for known, grant in self._grants.items():
            if hmac.compare_digest(known, digest):
                found = grant
        return found

    async def refresh(self) -> None:
        """Read the file if it has changed."""
        await asyncio.to_thread(self._refresh)

    def _refresh(self) -> None:
        found = stamp(self._file)
        if found == self._stamp:
            return
        self._stamp = found
        try:
            self._grants = read_grants(self._file)
        except SettingError as exc:
            log.error("The former tokens stay valid: %s", exc)
        else:
            log.info("Tokens were read again: %d", len(self._grants))


def read_grants(file: Path) -> dict[bytes, Grant]:
    """Grants by the tokens' digests. Raises SettingError; it quotes nothing of the file."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SettingError(VARIABLE, f"{file} can't be read as JSON", FORM) from None
    if not isinstance(content, dict):
        raise SettingError(VARIABLE, f"{file} holds no JSON object", FORM)
    grants = {}
    for number, (token, entry) in enumerate(content.items(), start=1):
        grant = _grant(entry)
        if grant is None:
            raise SettingError(VARIABLE, f"entry {number} of {file} is wrong", FORM)
        if not _TOKEN.fullmatch(token):
            problem = f"token {number} of {file} is too short, or has other characters"
            raise SettingError(VARIABLE, problem, "16 letters, digits, '.', '_', '~', '-' or more")
        grants[digest_of(token)] = grant
    return grants


def _grant(entry: Any) -> Grant | None:
    match entry:
        case {"name": str(name), "keys": list(keys), **rest}:
            admin = rest.pop("admin", False)
            if not rest and isinstance(admin, bool) and all(isinstance(k, str) for k in keys):
                return Grant(name, tuple(keys), admin)
    return None


def _matches(key: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return key.startswith(pattern[:-1])
    return key == pattern


def digest_of(token: str) -> bytes:
    """What is kept and compared in place of a token; its length tells nothing of the token's."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
