"""How AppSync learns who we are: an API key, from the environment or a secret, or IAM."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from streams.setting_kinds import MASK, Secret

KEY_HEADER = "x-api-key"
#: Seconds between two looks at the secret, however often the API refuses its key.
REFRESH_SECONDS = 1.0
#: Keys that are kept out of reasons and logs: the present one, and those before it.
KEYS_MASKED = 8

Headers = dict[str, str]


class Auth(Protocol):
    """Proves who we are. Every method may wait for AWS, and raise SinkAccessError."""

    async def headers(self, url: str, body: bytes) -> Headers:
        """What a POST request needs beside its content type."""

    async def refused(self, headers: Headers) -> None:
        """Note that the API has refused a request with these headers: they may be out of date."""

    def masked(self, text: str) -> str:
        """A text of the API's without any secret of ours."""


class ApiKey:
    """See `Auth`. A key that never changes."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    async def headers(self, url: str, body: bytes) -> Headers:  # noqa: ARG002
        return {KEY_HEADER: self._key.reveal()}

    async def refused(self, headers: Headers) -> None:
        """Nothing: somebody has to set another one."""

    def masked(self, text: str) -> str:
        return text.replace(self._key.reveal(), MASK)


class StoredApiKey:
    """See `Auth`. A key that `fetch` gets, and gets again when the API refuses it."""

    def __init__(self, fetch: Callable[[], Awaitable[Secret]]) -> None:
        self._fetch = fetch
        self._key: Secret | None = None
        #: The last keys, the newest last: answers may repeat one that is no longer in use.
        self._known: deque[Secret] = deque(maxlen=KEYS_MASKED)
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def headers(self, url: str, body: bytes) -> Headers:  # noqa: ARG002
        async with self._fetching:
            if self._key is None:
                await self._fetch_key()
            assert self._key is not None
            return {KEY_HEADER: self._key.reveal()}

    async def refused(self, headers: Headers) -> None:
        async with self._fetching:
            # Of many requests that were refused together, only the first has to look.
            outdated = self._key is None or headers[KEY_HEADER] == self._key.reveal()
            if outdated and time.monotonic() - self._fetched_at >= REFRESH_SECONDS:
                await self._fetch_key()

    async def _fetch_key(self) -> None:
        self._fetched_at = time.monotonic()
        self._key = await self._fetch()
        if self._key not in self._known:
            self._known.append(self._key)

    def masked(self, text: str) -> str:
        for key in self._known:
            text = text.replace(key.reveal(), MASK)
        return text
