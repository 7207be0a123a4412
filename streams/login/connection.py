"""Connections that log in as we are known now, not as when their client was made.

Hook, written for aiokafka 0.14.0: its clients keep user and password, and make all connections by
`aiokafka.client.create_conn`. `install` puts ours there, which takes `sasl_plain_password` and
`sasl_oauth_token_provider` of our classes, and does with all others as aiokafka's does. Its
connection also reads the broker's answer to a token, which aiokafka ignores: a refusal would look
like a lost connection. `tests/contract/test_login.py` holds for all of it.
"""

from collections.abc import Awaitable
from typing import Any, TypeVar

from aiokafka import client
from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import AIOKafkaConnection, OAuthAuthenticator
from aiokafka.errors import KafkaConnectionError, SaslAuthenticationFailed

from streams.errors import ClusterAccessError
from streams.login.password import Credentials
from streams.login.remembered import Remembered
from streams.login.token import TokenSource
from streams.setting_kinds import Secret

T = TypeVar("T")

#: How a client says that it has read why its token is refused (RFC 7628, 3.2.3).
_ACKNOWLEDGED = b"\x01"


def install() -> None:
    """Let all clients of this process connect by `create_conn`."""
    setattr(client, "create_conn", create_conn)  # noqa: B010  (mypy: it isn't exported)


async def create_conn(host: str, port: int, **options: Any) -> AIOKafkaConnection:
    """Connect, and log in. Where that is refused, look whether we have other credentials by now."""
    source = _source(options)
    if source is None:
        return await _connected(host, port, options)
    tried = await _asked(source.current())
    try:
        return await _connected(host, port, options | _as_options(tried))
    except SaslAuthenticationFailed:
        renewed = await _asked(source.renewed())
        if renewed == tried:
            raise
        return await _connected(host, port, options | _as_options(renewed))


def _source(options: dict[str, Any]) -> Remembered[Any] | None:
    password = options.get("sasl_plain_password")
    if isinstance(password, Remembered):
        return password
    provider = options.get("sasl_oauth_token_provider")
    return provider.tokens if isinstance(provider, TokenSource) else None


def _as_options(found: Credentials | Secret) -> dict[str, Any]:
    if isinstance(found, Secret):
        return {"sasl_oauth_token_provider": _Given(found)}
    return {
        "sasl_plain_username": found.username,
        "sasl_plain_password": found.password.reveal(),
    }


async def _asked(question: Awaitable[T]) -> T:
    try:
        return await question
    except ClusterAccessError as exc:
        # What clients take for a reason to try again.
        raise KafkaConnectionError(exc.happened) from exc


async def _connected(host: str, port: int, options: dict[str, Any]) -> AIOKafkaConnection:
    connection = _Connection(host, port, **options)
    await connection.connect()
    return connection


class _Connection(AIOKafkaConnection):
    def authenticator_oauth(self) -> OAuthAuthenticator:
        return _OAuth(sasl_oauth_token_provider=self._sasl_oauth_token_provider)


class _OAuth(OAuthAuthenticator):
    async def step(self, payload: bytes | None) -> tuple[bytes, bool] | None:
        if self._token_sent and payload:
            # The broker has told why; to this it answers with the error proper.
            return _ACKNOWLEDGED, True
        step: tuple[bytes, bool] | None = await super().step(payload)
        return step


class _Given(AbstractTokenProvider):
    """One token."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token.reveal()
