"""User and password in Secrets Manager, as MSK stores them; ministack is the AWS."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.access.cluster import Listener, Secured
from tests.access.test_rotation import count_on
from tests.appsync.ministack import REGION, Ministack, run_ministack

Name = Callable[[str], str]

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    with run_ministack(tmp_path_factory.mktemp("ministack")) as peer:
        yield peer


def test_a_secret_is_rotated(
    secured: Secured,
    ministack: Ministack,
    unique: Name,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """First in the secret, or first in the cluster: either way all is counted."""
    for name, value in ministack.variables.items():
        monkeypatch.setenv(name, value)  # the load reads the secret, too
    secrets = ministack.client("secretsmanager")
    user = unique("user").replace("[", "").replace("]", "")
    passwords = [f"canary-number-{n}" for n in range(3)]
    texts = [json.dumps({"username": user, "password": password}) for password in passwords]
    arn = ministack.secret(f"AmazonMSK_{user}", texts[0])
    assert f":secretsmanager:{REGION}:" in arn
    secured.set_password(user, passwords[0])
    way = secured.variables("SCRAM", KAFKA_SASL_SECRET_ARN=arn, **ministack.variables)
    scene = Listener(secured.kafka, way).scene(unique("app"), tmp_path)

    def changes() -> None:
        secrets.put_secret_value(SecretId=arn, SecretString=texts[1])
        secured.set_password(user, passwords[1])
        scene.finals_grow()
        secured.set_password(user, passwords[2])
        secrets.put_secret_value(SecretId=arn, SecretString=texts[2])
        scene.finals_grow()

    said = count_on(scene, changes)
    assert not [password for password in passwords if password in said]
