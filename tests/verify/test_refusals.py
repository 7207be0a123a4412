"""What `tally verify` can't follow: it says what is wrong, and never with a traceback."""

from pathlib import Path

import pytest

from deploy.local import LocalKafka
from tests.verify.scribe import CLOSED, Name, Scribe, command, verify


@pytest.mark.parametrize(
    ("options", "variables", "told"),
    [
        (["--from", "yesterday"], {}, "--from"),
        (["--from", "2020-01-02", "--to", "2020-01-01"], {}, "--to"),
        ([], {"STREAMS_WINDOW_SECONDS": "-1"}, "STREAMS_WINDOW_SECONDS"),
        ([], {"STREAMS_INPUT_TOPIC": "no-such-topic"}, "no-such-topic"),
        ([], {"KAFKA_BOOTSTRAP": "127.0.0.1:1"}, "KAFKA_BOOTSTRAP"),
    ],
)
def test_what_is_wrong_is_named(
    app: Scribe, options: list[str], variables: dict[str, str], told: str
) -> None:
    done = command(app, *options, variables=variables)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_a_user_without_rights(secured_kafka: LocalKafka, unique: Name, tmp_path: Path) -> None:
    app = Scribe(secured_kafka, unique("secured"), tmp_path)
    app.publish(app.count(CLOSED))
    assert verify(app)[0] == 0
    nobody = {"KAFKA_SASL_USERNAME": "nobody", "KAFKA_SASL_PASSWORD": "nothing"}
    done = command(app, variables=nobody)
    assert done.returncode == 2
    assert "Kafka denies user 'nobody' access to topic" in done.stderr
    assert "nothing" not in done.stderr
