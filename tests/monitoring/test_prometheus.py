"""A real Prometheus scrapes what really runs: alerts fire, the dashboard has data."""

import contextlib
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from deploy.local import LocalKafka
from deploy.local.ports import HOST
from tests.application import Application
from tests.appsync.inputs import write_results
from tests.appsync.processes import Process
from tests.appsync.scripted import ScriptedPeer
from tests.load import Load, Pace
from tests.monitoring.files import queries
from tests.monitoring.prometheus import Prometheus, scraping
from tests.monitoring.promql import uses
from tests.polling import until
from tests.worker import free_port

Name = Callable[[str], str]

#: For the variables that Grafana puts in; so many seconds are several scrapes.
VARIABLES = {"$__rate_interval": "30s", "$instance": ".*"}
#: Metrics that take an MQTT broker, S3 or a schema registry; `test_names` holds their names.
ABSENT = {
    "streams_ingest_trouble_total",
    "streams_ingest_dropped_total",
    "streams_archive_bytes_total",
    "streams_archive_objects_total",
    "streams_schema_lookups_total",
}
#: Until something that takes a minute by its rule has to have happened.
ALERT_SECONDS = 180.0


@contextlib.contextmanager
def loaded(app: Application) -> Iterator[None]:
    """Steady input meanwhile."""
    load = Load(app.options, app.input, app.partitions, 1, Pace())
    load.start()
    try:
        yield
    finally:
        load.finish()


def publish(netloc: str, topic: str) -> None:
    """A record from another system."""
    request = urllib.request.Request(
        f"http://{netloc}/topics/{topic}",
        data=b'{"any": "record"}',
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 202


def make_clients_of_all_kinds(netloc: str) -> None:
    """One that is refused, one that is thrown out, and one that comes back."""
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(f"http://{netloc}/ws?hashtag=a", timeout=60)
    with connect(f"ws://{netloc}/ws?hashtag=*") as client:
        cursor = json.loads(client.recv(60))["cursor"]
        with contextlib.suppress(ConnectionClosed):
            for _ in range(20):
                client.send("not JSON")
            while True:
                client.recv(60)
    with connect(f"ws://{netloc}/ws?hashtag=*&since={cursor}") as client:
        client.recv(60)


def empty_queries(prometheus: Prometheus) -> dict[str, str]:
    """The dashboard's queries that return nothing now, though their metrics should be there."""
    empty = {}
    for name, query in queries().items():
        absent = {use.metric for use in uses(query)} <= ABSENT
        for variable, value in VARIABLES.items():
            query = query.replace(variable, value)
        assert "$" not in query
        if not prometheus.query(query) and not absent:
            empty[name] = query
    return empty


@pytest.mark.long
@pytest.mark.timeout(900)
def test_alerts_fire_and_the_dashboard_has_data(unique: Name, tmp_path: Path) -> None:
    variables = {"STREAMS_STALL_SECONDS": "2", "STREAMS_STANDBYS": "1"}
    port = free_port()
    with (
        LocalKafka() as kafka,
        ScriptedPeer() as peer,
        Application(
            kafka,
            unique("watched"),
            tmp_path,
            partitions=2,
            variables={**variables, **peer.variables, "STREAMS_WINDOW_SECONDS": "2"},
        ) as app,
        contextlib.ExitStack() as stack,
    ):
        peer.mood = {"ok": 3, "errors": 1}
        app.create_topics()
        workers = [app.worker(name).start() for name in ("a", "b")]
        for worker in workers:
            worker.until_running()
        command = [sys.executable, "-m", "streams.cli", "gateway"]
        gateway = Process(
            "gateway", tmp_path, command, {**app.variables, "STREAMS_WEB_PORT": str(port)}
        )
        stack.enter_context(gateway)
        ingest_port = free_port()
        command = [sys.executable, "-m", "streams.cli", "ingest", "http"]
        ingest = Process(
            "ingest", tmp_path, command, {**app.variables, "STREAMS_INGEST_PORT": str(ingest_port)}
        )
        stack.enter_context(ingest)
        stack.enter_context(loaded(app))
        ports = {
            "tally-worker": [w.port for w in workers],
            "tally-gateway": [port],
            "tally-ingest": [ingest_port],
        }
        prometheus = stack.enter_context(scraping(tmp_path, ports))
        prometheus.until_up(4)
        write_results(app, [(b"raw", b"\xff")])  # which no peer can accept

        [broker] = kafka.brokers
        broker.pause()
        stalled = {("TallyTaskStalled", f"{HOST}:{worker.port}") for worker in workers}
        until(
            lambda: stalled <= prometheus.firing(),
            "Prometheus tells that both workers are stalled",
            ALERT_SECONDS,
            lambda: f"{prometheus.ask('alerts')}\n{app.tails()}",
        )
        broker.resume()
        until(
            lambda: not stalled & prometheus.firing(),
            "and that they have recovered",
            ALERT_SECONDS,
            app.tails,
        )

        publish(f"{HOST}:{ingest_port}", app.input)
        make_clients_of_all_kinds(f"{HOST}:{port}")
        until(
            lambda: not empty_queries(prometheus),
            "each query of the dashboard returns something",
            ALERT_SECONDS,
            lambda: "\n".join(empty_queries(prometheus).values()),
        )

        workers[0].freeze()
        down = ("TallyDown", f"{HOST}:{workers[0].port}")
        until(lambda: down in prometheus.firing(), "a frozen worker is missed", ALERT_SECONDS)
