"""What the market-data APIs have in common: a key in a header, and answers in JSON."""

import re
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

from producers.sources.bounded import json_answer
from producers.sources.prices import LimitedError
from streams.errors import SettingError
from streams.setting_kinds import Secret
from streams.sinks.backoff import RETRY_AFTER_SECONDS, retry_after

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
                problem = f"is refused (HTTP {answer.status})"
                raise SettingError(self._variable, problem, "a key whose plan has these symbols")
            if answer.status == 429:
                raise LimitedError(_wait_s(answer.headers))
            if answer.status != 200:
                raise ValueError(f"HTTP {answer.status}")
            return await json_answer(answer, MAX_ANSWER_BYTES)

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


def _wait_s(headers: Mapping[str, str]) -> float:
    """The seconds that the usual headers ask for, within bounds; 0 if they don't."""
    reset = headers.get("X-RateLimit-Reset", "")
    if "Retry-After" not in headers and re.fullmatch("[0-9]{1,12}", reset):
        # The epoch second at which we may go on.
        return min(max(0.0, int(reset) - time.time()), RETRY_AFTER_SECONDS)
    return retry_after(headers.get("Retry-After"))
