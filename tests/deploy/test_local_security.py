"""A secured cluster lets in who it should, and nobody else."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from deploy.local import LocalKafka
from deploy.local.errors import DataFolderError
from deploy.local.ports import HOST
from deploy.local.sasl_ssl import SaslSsl
from tests.deploy.clients import ALICE_PASSWORD, consume, create_topic, list_topics, produce


def test_the_default_user_may_do_what_an_application_needs(secure: LocalKafka) -> None:
    tally = secure.client_options()
    create_topic(tally, "app-topic")
    produce(tally, "app-topic", b"secret")
    assert consume(tally, "app-topic", 1) == [b"secret"]


def test_the_environment_names_everything_a_client_needs(secure: LocalKafka) -> None:
    env = secure.env(user="alice")
    assert env["KAFKA_BOOTSTRAP"] == secure.bootstrap
    assert env["KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
    assert env["KAFKA_SASL_MECHANISM"] == "SCRAM-SHA-512"
    assert (env["KAFKA_SASL_USERNAME"], env["KAFKA_SASL_PASSWORD"]) == ("alice", ALICE_PASSWORD)
    assert Path(env["KAFKA_SSL_CAFILE"]).exists()
    with pytest.raises(ValueError, match="there is no user 'bob'"):
        secure.env(user="bob")


def test_a_user_without_rules_is_denied_until_allowed(secure: LocalKafka) -> None:
    alice = secure.client_options("alice")
    create_topic(secure.client_options("admin"), "allowed-topic")
    create_topic(secure.client_options("admin"), "denied-topic")
    secure.allow("alice", "transactional_id", "*", "all")
    with pytest.raises(TopicAuthorizationFailedError):
        produce(alice, "allowed-topic", b"too early")
    secure.allow("alice", "topic", "allowed-", ("read", "write", "describe"), "prefixed")
    secure.allow("alice", "group", "allowed-topic-readers", "read")
    produce(alice, "allowed-topic", b"now")
    assert consume(alice, "allowed-topic", 1) == [b"now"]
    with pytest.raises(TopicAuthorizationFailedError):
        produce(alice, "denied-topic", b"never")


@pytest.mark.parametrize(
    "break_options",
    [
        lambda options: options | {"sasl_plain_password": "wrong"},
        lambda options: options | {"sasl_plain_username": "nobody"},
        lambda options: options | {"security_protocol": "SASL_PLAINTEXT", "ssl_context": None},
        lambda options: options | {"ssl_context": ssl.create_default_context()},
        lambda options: {"bootstrap_servers": options["bootstrap_servers"]},
    ],
    ids=["wrong password", "unknown user", "no TLS", "unknown CA", "plain client"],
)
def test_a_wrong_client_is_not_let_in(
    secure: LocalKafka, break_options: Callable[[dict[str, object]], dict[str, object]]
) -> None:
    options = break_options(secure.client_options()) | {"request_timeout_ms": 2_000}
    with pytest.raises(KafkaConnectionError):
        list_topics(options)


@pytest.mark.parametrize("listener", ["INTERNAL", "CONTROLLER"])
def test_the_brokers_own_listeners_want_a_certificate(secure: LocalKafka, listener: str) -> None:
    properties = (secure.folder / "broker-1" / "server.properties").read_text()
    listeners = properties.partition("\nlisteners=")[2].splitlines()[0].split(",")
    [address] = [item for item in listeners if item.startswith(f"{listener}://{HOST}:")]
    options = {
        "bootstrap_servers": address.partition("://")[2],
        "security_protocol": "SSL",
        "ssl_context": secure.client_options()["ssl_context"],
        "request_timeout_ms": 2_000,
    }
    with pytest.raises(KafkaConnectionError):
        list_topics(options)


def test_nobody_else_can_read_the_secrets(secure: LocalKafka) -> None:
    secrets = secure.folder / "secrets"
    assert secrets.stat().st_mode & 0o777 == 0o700
    for name in ("broker.pem", "users.json"):
        assert (secrets / name).stat().st_mode & 0o777 == 0o600
    everything_said = b"".join(log.read_bytes() for log in secure.logs())
    assert secure.env()["KAFKA_SASL_PASSWORD"].encode() not in everything_said


def test_users_stay_as_the_folder_was_made(tmp_path: Path) -> None:
    made = SaslSsl(tmp_path / "secrets", {"alice": "first"})
    again = SaslSsl(tmp_path / "secrets", None)
    assert again.client_env("alice") == made.client_env("alice")
    assert again.client_env(None) == made.client_env("tally")
    with pytest.raises(DataFolderError, match="alice"):
        SaslSsl(tmp_path / "secrets", {"alice": "second"})


def test_a_plain_cluster_knows_no_users(plain: LocalKafka) -> None:
    with pytest.raises(ValueError, match="no users"):
        LocalKafka(users={"alice": "password"})
    with pytest.raises(ValueError, match="no users"):
        plain.env(user="alice")
    with pytest.raises(ValueError, match="everyone"):
        plain.allow("alice", "topic", "*", "all")
