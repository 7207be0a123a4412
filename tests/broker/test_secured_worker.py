"""A worker on a cluster with TLS, SCRAM and access rules: it works, or says why it doesn't."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from deploy.local import LocalKafka
from tests.application import Application
from tests.load import BEGIN

Name = Callable[[str], str]

CANARY = "canary-password-that-nobody-may-see"
NOBODY = {"KAFKA_SASL_USERNAME": "nobody", "KAFKA_SASL_PASSWORD": "nothing"}
#: Within so long, a worker that can't work says so.
SECONDS = 90.0


@pytest.fixture
def app(secured_kafka: LocalKafka, unique: Name, tmp_path: Path) -> Application:
    return Application(secured_kafka, unique("app"), tmp_path)


def test_the_right_user_works(app: Application) -> None:
    with app:
        app.create_topics()
        app.write([[*[(b"#good", BEGIN)] * 5, (b"#end", BEGIN + 60_000)]])
        worker = app.worker().start()
        assert app.finals_of(1) == {("#good", BEGIN): 5}
        assert app.variables["KAFKA_SASL_PASSWORD"] not in worker.said()


def refusal(app: Application, **variables: str) -> str:
    """What a worker with these variables says before it ends; never the password."""
    with app:
        worker = app.worker(**variables).start()
        assert worker.wait(SECONDS) == 1, worker.tail()
        said = worker.said()
        for secret in (CANARY, app.variables["KAFKA_SASL_PASSWORD"]):
            assert secret not in said
        assert "Traceback" not in said
        return said


def test_a_wrong_password(app: Application) -> None:
    said = refusal(app, KAFKA_SASL_PASSWORD=CANARY)
    assert "Kafka refuses user 'tally' (SCRAM-SHA-512): unknown user or wrong password" in said


def test_an_unknown_ca(app: Application, tmp_path: Path) -> None:
    other = tmp_path / "other-ca.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    said = refusal(app, KAFKA_SSL_CAFILE=str(other))
    assert "is signed by an unknown CA" in said
    assert "KAFKA_SSL_CAFILE" in said


def test_a_denied_topic(app: Application) -> None:
    app.create_topics()
    said = refusal(app, **NOBODY)
    assert "Kafka denies user 'nobody' access to topic" in said


def test_a_denied_transactional_id(secured_kafka: LocalKafka, app: Application) -> None:
    secured_kafka.allow("nobody", "topic", app.app_id, "all", "prefixed")
    secured_kafka.allow("nobody", "group", app.app_id, "all", "prefixed")
    said = refusal(app, **NOBODY)
    assert "TransactionalIdAuthorizationFailed" in said


def test_a_denied_group(secured_kafka: LocalKafka, app: Application) -> None:
    secured_kafka.allow("nobody", "topic", app.app_id, "all", "prefixed")
    secured_kafka.allow("nobody", "transactional_id", app.app_id, "all", "prefixed")
    said = refusal(app, **NOBODY)
    assert "GroupAuthorizationFailed" in said
