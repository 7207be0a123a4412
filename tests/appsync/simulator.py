"""Amplify's AppSync simulator with one of our schemas, and who asks or subscribes there."""

import asyncio
import json
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gql import Client, gql
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from graphql import ExecutionResult

import streams
from tests.appsync.ministack import CREDENTIALS
from tests.appsync.processes import Process
from tests.polling import until
from tests.worker import free_port

FOLDER = Path(__file__).parent
DEPLOY = Path(streams.__file__).parents[1] / "deploy" / "appsync"
KEY = "da2-canaryofthesimulator"


class Simulator:
    """Where it serves, by TLS; `ca` is the PEM file to trust."""

    def __init__(self, port: int, ca: Path) -> None:
        self.url = f"https://127.0.0.1:{port}/graphql"
        self.realtime = f"wss://127.0.0.1:{port}/graphql/realtime"
        self.ca = ca

    @property
    def variables(self) -> dict[str, str]:
        """What a worker has to be told."""
        return {
            "STREAMS_APPSYNC_URL": self.url,
            "STREAMS_APPSYNC_API_KEY": KEY,
            "SSL_CERT_FILE": str(self.ca),
        }


@contextmanager
def simulator(
    node: str,
    certificates: Mapping[str, Path],
    folder: Path,
    schema: str = ".",
    table: Mapping[str, str] | None = None,
) -> Iterator[Simulator]:
    """A simulator of the schema in that folder of `deploy/appsync`; `table` is a DynamoDB one."""
    port = free_port()
    config = folder / "simulator.json"
    config.write_text(
        json.dumps(
            {
                "port": port,
                "apiKey": KEY,
                "folder": str(DEPLOY / schema),
                "table": table,
                "cert": str(certificates["cert"]),
                "key": str(certificates["key"]),
            }
        )
    )
    command = [node, str(FOLDER / "simulator.mjs"), str(config)]
    with Process("simulator", folder, command, CREDENTIALS) as process:
        process.until_said("ready")
        yield Simulator(port, certificates["ca"])


@contextmanager
def amplify_subscriber(
    node: str, peer: Simulator, folder: Path, channels: list[str]
) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """A subscriber on aws-amplify; yields what tells all that it got."""
    config = folder / "subscriber.json"
    config.write_text(json.dumps({"endpoint": peer.url, "apiKey": KEY, "channels": channels}))
    command = [node, str(FOLDER / "subscriber.mjs"), str(config)]
    with Process("amplify", folder, command, {"NODE_EXTRA_CA_CERTS": str(peer.ca)}) as process:
        process.until_said("ready")
        yield lambda: [json.loads(line) for line in process.lines() if line.startswith("{")]


class Acknowledged(AppSyncWebsocketsTransport):
    """Tells when the peer has taken a subscription: what is published before that isn't sent."""

    def __init__(self, taken: threading.Event, **options: Any) -> None:
        super().__init__(**options)
        self._taken = taken

    def _parse_answer(self, answer: str) -> tuple[str, int | None, ExecutionResult | None]:
        parsed = super()._parse_answer(answer)
        if parsed[0] == "start_ack":
            self._taken.set()
        return parsed


class GqlSubscriber:
    """A subscriber on gql, in a thread; a context manager."""

    def __init__(self, peer: Simulator, document: str, variables: Mapping[str, Any]) -> None:
        self.got: list[dict[str, Any]] = []
        self._peer = peer
        self._document = gql(document)
        self._document.variable_values = dict(variables)
        self._subscribed = threading.Event()
        self._error: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="gql")

    def __enter__(self) -> "GqlSubscriber":
        self._thread.start()
        until(lambda: self._subscribed.is_set() or self._error is not None, "gql subscribes", 120)
        if self._error is not None:
            raise self._error
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join(60)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        try:
            self._task = self._loop.create_task(self._subscribe())
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        except BaseException as exc:
            self._error = exc
        finally:
            self._loop.close()

    async def _subscribe(self) -> None:
        transport = Acknowledged(
            self._subscribed,
            url=self._peer.realtime,
            auth=AppSyncApiKeyAuthentication(host="127.0.0.1", api_key=KEY),
            ssl=ssl.create_default_context(cafile=self._peer.ca),
            connect_timeout=60,
            ack_timeout=60,
        )
        async with Client(transport=transport) as session:
            async for answer in session.subscribe(self._document):
                self.got.append(answer)


def ask(peer: Simulator, query: str, variables: Mapping[str, Any]) -> Any:
    """The data of a query's answer."""
    request = urllib.request.Request(
        peer.url,
        json.dumps({"query": query, "variables": dict(variables)}).encode(),
        {"Content-Type": "application/json", "x-api-key": KEY},
    )
    context = ssl.create_default_context(cafile=peer.ca)
    with urllib.request.urlopen(request, timeout=60, context=context) as response:
        answer = json.load(response)
    assert not answer.get("errors"), answer
    return answer["data"]
