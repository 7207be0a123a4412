"""How AppSync learns who we are: an API key, from the environment or a secret, or IAM."""

from collections import deque
from typing import Protocol

from streams.login.remembered import Remembered
from streams.setting_kinds import MASK, Secret

KEY_HEADER = "x-api-key"
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
    """See `Auth`. A key that may change, and is looked up again when the API refuses it."""

    def __init__(self, stored: Remembered[Secret]) -> None:
        self._stored = stored
        #: The last keys, the newest last: answers may repeat one that is no longer in use.
        self._known: deque[Secret] = deque(maxlen=KEYS_MASKED)

    async def headers(self, url: str, body: bytes) -> Headers:  # noqa: ARG002
        key = await self._stored.current()
        if key not in self._known:
            self._known.append(key)
        return {KEY_HEADER: key.reveal()}

    async def refused(self, headers: Headers) -> None:  # noqa: ARG002
        await self._stored.renewed()

    def masked(self, text: str) -> str:
        for key in self._known:
            text = text.replace(key.reveal(), MASK)
        return text
