"""What aiokafka raises, in words: each cause by name, from real sockets where that is cheap."""

import asyncio
import socket
import ssl
import time

import pytest
import trustme
from aiokafka import errors as kafka_errors

from deploy.local.ports import free_port
from streams.access import CHECK_TIMEOUT_S, check_access, explain
from streams.errors import BrokenChainError, ClusterAccessError, MissingTopicError
from streams.kafka_settings import KafkaSettings

SASL = KafkaSettings.from_env(
    {
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_SASL_USERNAME": "someone",
        "KAFKA_SASL_PASSWORD": "hunter2-hunter2",
    }
)


@pytest.mark.parametrize(
    ("exc", "expected"),
    [
        (kafka_errors.SaslAuthenticationFailed("no"), "wrong password"),
        (kafka_errors.UnsupportedSaslMechanismError("no"), "KAFKA_SASL_MECHANISM"),
        (kafka_errors.TopicAuthorizationFailedError("secrets"), "topic 'secrets'"),
        (kafka_errors.GroupAuthorizationFailedError("g"), "consumer group 'g'"),
        (kafka_errors.TransactionalIdAuthorizationFailed("t"), "transactional id 't'"),
        (kafka_errors.ClusterAuthorizationFailedError(), "the cluster"),
        (kafka_errors.KafkaConnectionError("gone"), "KAFKA_SECURITY_PROTOCOL"),
        (ConnectionRefusedError(), "connection refused"),
        (socket.gaierror(-2, "?"), "unknown host"),
        (TimeoutError(), "no answer in time"),
        (kafka_errors.CorruptRecordException("bits"), "bits"),
    ],
)
def test_explain_names_the_cause(exc: Exception, expected: str) -> None:
    explained = explain(exc, SASL)
    assert isinstance(explained, ClusterAccessError)
    assert expected in str(explained)
    assert "\n" not in str(explained)
    assert "hunter2" not in str(explained)


def test_explain_looks_at_causes() -> None:
    outer = kafka_errors.KafkaConnectionError("closed")
    outer.__cause__ = kafka_errors.SaslAuthenticationFailed("no")
    assert "wrong password" in str(explain(outer, SASL))
    ours = BrokenChainError("gap")
    assert explain(ours, SASL) is ours
    missing = explain(kafka_errors.UnknownTopicOrPartitionError("in"), SASL)
    assert isinstance(missing, MissingTopicError)


async def test_nobody_listens() -> None:
    kafka = KafkaSettings(bootstrap=(f"127.0.0.1:{free_port()}",))
    with pytest.raises(ClusterAccessError, match="connection refused"):
        await check_access(kafka)


async def test_a_silent_host_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        kafka = KafkaSettings(bootstrap=(f"127.0.0.1:{server.getsockname()[1]}",))
        began = time.monotonic()
        with pytest.raises(ClusterAccessError, match="no answer in time"):
            await check_access(kafka, timeout_s=0.3)
        assert time.monotonic() - began < CHECK_TIMEOUT_S / 2


async def test_a_host_that_hangs_up() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        kafka = KafkaSettings(bootstrap=(f"127.0.0.1:{server.sockets[0].getsockname()[1]}",))
        with pytest.raises(ClusterAccessError, match="KAFKA_SECURITY_PROTOCOL"):
            await check_access(kafka)


@pytest.mark.parametrize(
    ("identity", "trusted", "expected"),
    [("127.0.0.1", False, "KAFKA_SSL_CAFILE"), ("elsewhere.example", True, "mismatch")],
)
async def test_certificates(identity: str, trusted: bool, expected: str) -> None:
    authority = trustme.CA()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(identity).configure_cert(server_side)

    async def ignore(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    with authority.cert_pem.tempfile() as cafile:
        environ = {"KAFKA_SECURITY_PROTOCOL": "SSL"} | (
            {"KAFKA_SSL_CAFILE": cafile} if trusted else {}
        )
        async with await asyncio.start_server(ignore, "127.0.0.1", 0, ssl=server_side) as server:
            port = server.sockets[0].getsockname()[1]
            kafka = KafkaSettings.from_env(environ | {"KAFKA_BOOTSTRAP": f"127.0.0.1:{port}"})
            with pytest.raises(ClusterAccessError, match=expected):
                await check_access(kafka)
