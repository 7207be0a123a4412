"""aiokafka connects as `streams.login.connection` expects, for every kind of client."""

from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, client
from aiokafka.abc import AbstractTokenProvider
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError, SaslAuthenticationFailed

from streams.errors import ClusterAccessError
from streams.login import connection
from streams.login.password import Credentials
from streams.login.remembered import Fetched, Remembered
from streams.setting_kinds import Secret


class Logins:
    """Stands in for the broker: knows one password."""

    def __init__(self) -> None:
        self.right = "first"
        self.tried: list[str] = []

    async def connect(self, conn: AIOKafkaConnection) -> None:
        self.tried.append(conn._sasl_plain_password)
        if conn._sasl_plain_password != self.right:
            raise SaslAuthenticationFailed("no")


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> Logins:
    found = Logins()
    monkeypatch.setattr(
        connection._Connection, "connect", lambda self: found.connect(self), raising=False
    )
    connection.install()
    return found


def options(login: Remembered[Credentials]) -> dict[str, Any]:
    return {
        "bootstrap_servers": "127.0.0.1:1",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "",
        "sasl_plain_password": login,
    }


@pytest.mark.parametrize("kind", [AIOKafkaConsumer, AIOKafkaProducer, AIOKafkaAdminClient])
async def test_all_clients_connect_by_ours(kind: Any, logins: Logins) -> None:
    assert vars(client)["create_conn"] is connection.create_conn
    login = Remembered(lambda: Fetched(Credentials("user", Secret("wrong")), 0.0))
    made = kind(**options(login))
    with pytest.raises(KafkaConnectionError):
        await made.start()
    assert set(logins.tried) == {"wrong"}
    await (made.close() if kind is AIOKafkaAdminClient else made.stop())


async def test_a_brokers_answer_to_a_token_is_read() -> None:
    """aiokafka's own authenticator would stop after the first step, as if the token were taken."""

    class Token(AbstractTokenProvider):
        async def token(self) -> str:
            return "the-token"

    given = {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": Token()}
    new: Any = connection._Connection
    refused, taken = (new("127.0.0.1", 1, **given).authenticator_oauth() for _ in range(2))
    assert await refused.step(None) == (b"n,,\x01auth=Bearer the-token\x01\x01", True)
    assert await refused.step(b'{"status":"invalid_token"}') == (b"\x01", True)
    assert await taken.step(None) is not None
    assert await taken.step(b"") is None


async def test_a_refused_password_is_looked_up_once_more(logins: Logins) -> None:
    now, password = [0.0], ["first"]
    login = Remembered(
        lambda: Fetched(Credentials("user", Secret(password[0])), 1000.0), lambda: now[0]
    )
    await connection.create_conn("127.0.0.1", 1, **_given(login))
    logins.right = password[0] = "second"
    now[0] = 500.0
    await connection.create_conn("127.0.0.1", 1, **_given(login))
    assert logins.tried == ["first", "first", "second"]
    logins.right = "third"
    with pytest.raises(SaslAuthenticationFailed):
        await connection.create_conn("127.0.0.1", 1, **_given(login))


async def test_what_can_not_be_looked_up_is_a_lost_connection(logins: Logins) -> None:
    """Which clients try again."""

    def fail() -> Fetched[Credentials]:
        raise ClusterAccessError("nothing there")

    with pytest.raises(KafkaConnectionError, match="nothing there") as caught:
        await connection.create_conn("127.0.0.1", 1, **_given(Remembered(fail)))
    assert isinstance(caught.value.__cause__, ClusterAccessError)
    assert not logins.tried


def _given(login: Remembered[Credentials]) -> dict[str, Any]:
    given = options(login)
    del given["bootstrap_servers"]
    return given
