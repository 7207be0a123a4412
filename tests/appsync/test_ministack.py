"""AppSync Events, a key that is kept in Secrets Manager, and signatures: on ministack's AWS."""

import base64
import json
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets import Subprotocol
from websockets.sync.client import connect

from streams.sinks.appsync.aws import Iam
from streams.sinks.appsync.client import Client
from streams.sinks.appsync.graphql import OpaqueFormat
from streams.sinks.settings import AppSyncSettings
from tests.application import Application, Kafka
from tests.appsync.inputs import rows
from tests.appsync.ministack import REGION, Ministack
from tests.appsync.named_host import named_host
from tests.appsync.simulator import DEPLOY
from tests.polling import until
from tests.unit.sinks.results import result

Name = Callable[[str], str]

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


class EventsSubscriber:
    """Subscribes to a channel of an Events API, in a thread; a context manager."""

    def __init__(self, ministack: Ministack, host: str, key: str, channel: str) -> None:
        self.got: list[dict[str, Any]] = []
        at = urlsplit(ministack.url)
        header = base64.urlsafe_b64encode(json.dumps({"host": host, "x-api-key": key}).encode())
        self._stack = ExitStack()
        self._connecting = connect(
            f"ws://{host}/event/realtime",
            sock=socket.create_connection((str(at.hostname), at.port or 0)),
            subprotocols=[
                Subprotocol(f"header-{header.decode().rstrip('=')}"),
                Subprotocol("aws-appsync-event-ws"),
            ],
            proxy=None,
            open_timeout=60,
        )
        self._channel = channel
        self._subscribed = threading.Event()

    def __enter__(self) -> "EventsSubscriber":
        self._connection = self._stack.enter_context(self._connecting)
        self._thread = threading.Thread(target=self._read, name="events subscriber")
        self._thread.start()
        self._send({"type": "connection_init"})
        self._send({"type": "subscribe", "id": "1", "channel": self._channel})
        assert self._subscribed.wait(120)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._thread.join()

    def _send(self, message: dict[str, Any]) -> None:
        self._connection.send(json.dumps(message))

    def _read(self) -> None:
        for frame in self._connection:
            message = json.loads(frame)
            if message["type"] == "subscribe_success":
                self._subscribed.set()
            elif message["type"] == "data":
                self.got.append(json.loads(message["event"]))


def ids(subscriber: EventsSubscriber) -> set[str]:
    """What it got, however often."""
    return {event["id"] for event in subscriber.got}


def test_events_with_a_key_that_is_rotated(
    kafka: Kafka, unique: Name, tmp_path: Path, ministack: Ministack
) -> None:
    host, realtime, key = ministack.events_api()
    arn = ministack.secret(unique("key"), json.dumps({"api_key": "da2-canarythatisoutdated"}))
    written, expected = rows(tags=12, windows=5)
    with (
        named_host(ministack.url, host) as url,
        Application(
            kafka,
            unique("events"),
            tmp_path,
            variables={
                **ministack.variables,
                "STREAMS_APPSYNC_URL": f"{url}/event",
                "STREAMS_APPSYNC_MODE": "events",
                "STREAMS_APPSYNC_CHANNEL": "default/tags/{key}",
                "STREAMS_APPSYNC_API_KEY_SECRET_ARN": arn,
                "STREAMS_APPSYNC_RETRY_MAX_SECONDS": "1",
            },
        ) as app,
        EventsSubscriber(ministack, realtime, key, "/default/tags/*") as subscriber,
        EventsSubscriber(ministack, realtime, key, "/default/tags/tag3") as of_one_tag,
    ):
        app.create_topics()
        app.write([written])
        worker = app.worker().start()
        worker.until_said("status 401")
        ministack.client("secretsmanager").put_secret_value(
            SecretId=arn, SecretString=json.dumps({"api_key": key})
        )
        until(lambda: len(ids(subscriber)) >= len(expected), "all finals", 180, app.tails)
        values = [event["value"] for event in subscriber.got]
        assert {(v["hashtag"], v["window_start"]) for v in values} == expected
        assert len(ids(subscriber)) == len(expected)
        until(lambda: len(ids(of_one_tag)) == 5, "those of one tag", 120)
        assert {event["key"] for event in of_one_tag.got} == {"#tag3"}
        assert worker.stop() == 0, worker.tail()
        assert "canary" not in worker.said()
        assert key not in worker.said()


def test_a_secret_that_is_not_there_yet(
    kafka: Kafka, unique: Name, tmp_path: Path, ministack: Ministack
) -> None:
    """The worker counts on, and says what it lacks."""
    with Application(
        kafka,
        unique("events"),
        tmp_path,
        variables={
            **ministack.variables,
            "STREAMS_APPSYNC_URL": ministack.url,
            "STREAMS_APPSYNC_API_KEY_SECRET_ARN": (
                f"arn:aws:secretsmanager:{REGION}:000000000000:secret:missing"
            ),
        },
    ) as app:
        app.create_topics()
        app.write([rows(tags=1, windows=1)[0]])
        worker = app.worker().start()
        worker.until_said("The API key can't be read from arn:aws:secretsmanager")
        assert app.finals_of(1)


def graphql_api(ministack: Ministack) -> str:
    """Make the opaque API for signed requests; returns its URL."""
    appsync = ministack.client("appsync")
    api = appsync.create_graphql_api(name="tally", authenticationType="AWS_IAM")["graphqlApi"]
    id_ = api["apiId"]
    schema = (DEPLOY / "schema.graphql").read_bytes()
    appsync.start_schema_creation(apiId=id_, definition=schema)
    appsync.create_data_source(apiId=id_, name="none", type="NONE")
    templates = {
        f"{kind}MappingTemplate": (
            DEPLOY / "resolvers" / f"Mutation.publish.{kind}.vtl"
        ).read_text()
        for kind in ("request", "response")
    }
    appsync.create_resolver(
        apiId=id_, typeName="Mutation", fieldName="publish", dataSourceName="none", **templates
    )
    return f"{ministack.url}/v1/apis/{id_}/graphql"


async def test_signed_requests(
    guarded_ministack: Ministack, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = guarded_ministack.client("iam")
    iam.create_user(UserName="sink")
    policy = {"Effect": "Allow", "Action": "appsync:GraphQL", "Resource": "*"}
    iam.put_user_policy(
        UserName="sink",
        PolicyName="publish",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [policy]}),
    )
    key = iam.create_access_key(UserName="sink")["AccessKey"]
    url = graphql_api(guarded_ministack)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    settings = AppSyncSettings(url=url, auth="iam")
    opaque = OpaqueFormat("{topic}", 25)
    items = [opaque.item(result(n)) for n in range(3)]
    client = Client(settings, opaque, Iam(url))
    try:
        fates = [v.fate.value for v in (await client.send(items)).verdicts]
        assert fates == ["retry"] * 3  # without credentials
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        fates = [v.fate.value for v in (await client.send(items)).verdicts]
        assert fates == ["retry"] * 3  # the signature is wrong, not the results
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        answer = await client.send(items)
        assert [v.fate.value for v in answer.verdicts] == ["accepted"] * 3, answer
    finally:
        await client.close()
