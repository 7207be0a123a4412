"""SNS over HTTP, signed as SNS does with a certificate of our own; ministack doesn't sign."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import trustme
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from producers.ingest.aws.sns_signature import is_of_sns, signed_text
from producers.ingest.checkpoints import Checkpoints
from producers.ingest.formats import TopicFormats
from producers.ingest.gateway import Gateway
from producers.ingest.outlet import Outlet
from producers.ingest.site import Site
from producers.ingest.sources.sns import Sns
from streams.ingest.aws_settings import AwsSourceSettings
from streams.ingest.settings import IngestSettings
from streams.kafka_settings import KafkaSettings
from streams.schemas.formats import Formats
from streams.settings import Settings
from streams.topics import ensure_topics
from tests.application import Kafka
from tests.ingest.ingester import identities
from tests.reading import read_all
from tests.worker import free_port

ARN = "arn:aws:sns:eu-west-1:123456789012:orders"
HOST = "https://sns.eu-west-1.amazonaws.com"
HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}


class Subscription:
    """A source that serves, what it has fetched from SNS, and SNS's key."""

    def __init__(self, url: str, source: Sns) -> None:
        self.url = url
        self.fetched: list[str] = []
        issued = trustme.CA().issue_cert("sns.amazonaws.com", key_type=trustme.KeyType.RSA)
        key = load_pem_private_key(issued.private_key_pem.bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        self._key = key
        self._certificate = issued.cert_chain_pems[0].bytes()
        source.fetch = self._fetch

    async def _fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        return self._certificate

    def signed(self, version: str = "2", **fields: str) -> dict[str, Any]:
        """A notification, or what `fields` make of it."""
        message = {
            "Type": "Notification",
            "MessageId": "m-1",
            "TopicArn": ARN,
            "Message": "hello",
            "Timestamp": "2026-01-01T00:00:00.000Z",
            "SignatureVersion": version,
            "SigningCertURL": f"{HOST}/SimpleNotificationService-1.pem",
            **fields,
        }
        signature = self._key.sign(signed_text(message), PKCS1v15(), HASHES[version]())
        return {**message, "Signature": base64.b64encode(signature).decode()}

    async def post(self, message: dict[str, Any]) -> int:
        """The answer's status."""
        body = json.dumps(message)
        headers = {"Content-Type": "text/plain; charset=UTF-8"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/sns", data=body, headers=headers) as answer,
        ):
            return answer.status


@pytest.fixture
async def subscription(kafka: Kafka, topic: str) -> AsyncIterator[Subscription]:
    port = free_port()
    settings = Settings(
        kafka=KafkaSettings.from_env(kafka.env()),
        input_topic=topic,
        ingest=IngestSettings(port=port),
        aws_sources=AwsSourceSettings(sns_topics=(ARN,)),
    )
    await ensure_topics(settings, [topic])
    outlet = Outlet(settings.kafka, settings.ingest.buffer_bytes, settings.ingest.max_record_bytes)
    site = Site(settings.ingest, outlet)
    formats = TopicFormats(settings, Formats(settings), [topic])
    source = Sns(Gateway(settings, outlet, Checkpoints(settings, outlet), site, formats))
    await outlet.start([topic])
    await site.start()
    yield Subscription(f"http://127.0.0.1:{port}", source)
    await site.close()
    await outlet.close()


async def test_notifications(subscription: Subscription, kafka: Kafka, topic: str) -> None:
    assert await subscription.post(subscription.signed("1", MessageId="a", Subject="s")) == 200
    assert await subscription.post(subscription.signed("2", MessageId="b")) == 200
    assert len(subscription.fetched) == 1, "the certificate is kept"
    records = [r for part in await read_all(kafka.client_options(), topic) for r in part]
    assert [record.value for record in records] == [b"hello", b"hello"]
    assert sorted(identities(records)) == ["a", "b"]


async def test_a_subscription_is_confirmed(subscription: Subscription) -> None:
    where = f"{HOST}/?Action=ConfirmSubscription&Token=t"
    kind = {"Type": "SubscriptionConfirmation", "Token": "t"}
    assert await subscription.post(subscription.signed(SubscribeURL=where, **kind)) == 200
    assert where in subscription.fetched
    elsewhere = subscription.signed(SubscribeURL="https://example.org/?Token=t", **kind)
    assert await subscription.post(elsewhere) == 403
    assert "https://example.org/?Token=t" not in subscription.fetched


async def test_what_sns_has_not_signed(
    subscription: Subscription, kafka: Kafka, topic: str
) -> None:
    signed = subscription.signed()
    for changed in (
        {"Message": "forged"},
        {"Signature": "AAAA"},
        {"Signature": "!"},
        {"SignatureVersion": "3"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.example.org/a.pem"},
        {"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/a.pem"},
    ):
        assert await subscription.post({**signed, **changed}) == 403, changed
    other = subscription.signed(TopicArn=f"{ARN}-other")
    assert await subscription.post(other) == 403
    records = await read_all(kafka.client_options(), topic)
    assert not any(records)


@pytest.mark.parametrize(
    "url",
    [
        "https://user@sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com:444/a.pem",
        "https://sns.eu-west-1.amazonaws.com@example.org/a.pem",
        "https://example.org/sns.eu-west-1.amazonaws.com/a.pem",
    ],
)
def test_addresses_that_only_look_like_sns(url: str) -> None:
    assert not is_of_sns(url)
