"""Access by IAM: tokens that are signed with the keys of the moment, and found right by AWS.

ministack is the AWS, which checks signatures as the real one does, and knows who has which keys.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider

from deploy.local.ports import HOST
from streams.access import check_access
from streams.errors import ClusterAccessError
from streams.kafka_settings import KafkaSettings
from tests.access.cluster import DETOUR, Secured, replace
from tests.access.iam import IamListener, right_token
from tests.application import create_topics
from tests.appsync.ministack import REGION, Ministack, run_ministack
from tests.polling import until_true
from tests.reading import read_all

Name = Callable[[str], str]

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

USER = "tally"
POLICY = """{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "*", "Resource": "*"}]}"""


class Keys:
    """The access keys of a user, and the file in which AWS clients find one."""

    def __init__(self, iam: Any, file: Path) -> None:
        self._iam, self._file = iam, file

    def made(self) -> tuple[str, str]:
        """A new key: its id, and what is to be kept secret."""
        key = self._iam.create_access_key(UserName=USER)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def given(self, key: str, secret: str) -> None:
        """Let clients use it from now on."""
        lines = ("[default]", f"aws_access_key_id = {key}", f"aws_secret_access_key = {secret}")
        replace(self._file, "\n".join(lines))

    def deleted(self, key: str) -> None:
        self._iam.delete_access_key(UserName=USER, AccessKeyId=key)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    with run_ministack(tmp_path_factory.mktemp("ministack"), AUTH="true") as peer:
        iam = peer.client("iam")
        iam.create_user(UserName=USER)
        iam.put_user_policy(UserName=USER, PolicyName="connect", PolicyDocument=POLICY)
        yield peer


@pytest.fixture
def keys(aws: Ministack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_REGION", REGION)
    return Keys(aws.client("iam"), file)


@pytest.fixture
async def listener(secured: Secured, aws: Ministack) -> AsyncIterator[IamListener]:
    [broker] = secured.kafka.brokers
    ports = broker.detours[DETOUR]
    certificate = secured.folder / "broker.pem"
    async with IamListener(ports.advertises, ports.listens, certificate, aws.url) as found:
        yield found


def settings(secured: Secured) -> KafkaSettings:
    [broker] = secured.kafka.brokers
    way = {
        "KAFKA_BOOTSTRAP": f"{HOST}:{broker.detours[DETOUR].advertises}",
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "AWS_MSK_IAM",
        "KAFKA_SSL_CAFILE": str(secured.authority),
    }
    return KafkaSettings.from_env(way)


async def test_keys_are_rotated(
    secured: Secured, listener: IamListener, keys: Keys, unique: Name
) -> None:
    kafka, topic = settings(secured), unique("topic")
    first, secret = keys.made()
    keys.given(first, "x" * len(secret))
    with pytest.raises(ClusterAccessError, match="its token isn't valid there") as caught:
        await check_access(kafka)
    assert secret not in repr(caught.value)
    keys.given(first, secret)

    async def lets_in() -> bool:
        try:
            await check_access(kafka)
        except ClusterAccessError:
            return False
        return True

    # As soon as what was refused may be signed once more.
    await until_true(lets_in, 120)
    await create_topics(kafka.client_options(), topic, partitions=1)
    async with AIOKafkaProducer(**kafka.client_options()) as producer:
        await producer.send_and_wait(topic, b"by the first key")
        second, secret = keys.made()
        keys.given(second, secret)
        keys.deleted(first)
        await listener.hang_up()
        await producer.send_and_wait(topic, b"by the second key")
    [records] = await read_all(kafka.client_options(), topic)
    assert [record.value for record in records] == [b"by the first key", b"by the second key"]
    # The first one's token would have been good for minutes, had its key not been deleted.
    assert listener.logins[-1] == (second, True)
    assert {(first, True), (first, False)} <= set(listener.logins)


def test_the_listener_takes_no_other_token(
    aws: Ministack, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, secret = keys.made()
    keys.given(key, secret)

    def signed(region: str = REGION) -> str:
        return str(MSKAuthTokenProvider.generate_auth_token(region)[0])

    assert right_token(signed(), aws.url)
    assert not right_token(signed("eu-central-1"), aws.url)
    assert not right_token("canary", aws.url)
    monkeypatch.setattr(MSKAuthTokenProvider, "ACTION_NAME", "kafka-cluster:Other")
    assert not right_token(signed(), aws.url)
    monkeypatch.undo()
