"""What the market-data APIs have in common: a key in a header, and answers in JSON."""

import json
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

from producers.sources.prices import LimitedError
from streams.errors import SettingError
from streams.setting_kinds import Secret

TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 4 * 2**20


class JsonApi:
    """GET requests with `keys` as headers; never in a URL, where logs would keep them.

    `variable` is where people set the key.
    """

    def __init__(self, url: str, keys: Mapping[str, Secret], variable: str) -> None:
        self._url = url.rstrip("/")
        self._keys = keys
        self._variable = variable
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, **query: str) -> Any:
        """The answer's JSON; raises as `Market.latest` does."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            headers = {name: key.reveal() for name, key in self._keys.items()}
            self._session = aiohttp.ClientSession(timeout=timeout, headers=headers)
        # A redirect would take the key elsewhere.
        async with self._session.get(
            self._url + path, params=query, allow_redirects=False
        ) as answer:
            if answer.status in (401, 403):
                raise SettingError(self._variable, f"is refused (HTTP {answer.status})")
            if answer.status == 429:
                raise LimitedError(_wait_s(answer.headers))
            if answer.status != 200:
                raise ValueError(f"HTTP {answer.status}")
            body = bytearray()
            async for piece in answer.content.iter_chunked(2**16):
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    raise ValueError("the answer is too long")
        return _parsed(body)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def key(environ: Mapping[str, str], variable: str, where: str) -> Secret:
    """A key from the environment; raises SettingError without one."""
    found = environ.get(variable, "").strip()
    if not found:
        raise SettingError(variable, f"isn't set, and {where} answers nobody without it")
    return Secret(found)


def _parsed(body: bytearray) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise ValueError("the answer isn't JSON") from None


def _wait_s(headers: Mapping[str, str]) -> float | None:
    """What the usual headers say: seconds to wait, or the epoch second at which we may go on."""
    for name, is_moment in (("Retry-After", False), ("X-RateLimit-Reset", True)):
        try:
            number = float(headers[name])
        except (KeyError, ValueError):
            continue
        return max(0.0, number - time.time()) if is_moment else max(0.0, number)
    return None
