"""A real Prometheus scrapes what really runs: alerts fire, the dashboard has data."""

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from deploy.local import LocalKafka
from deploy.local.ports import HOST
from tests.application import Application
from tests.appsync.inputs import write_results
from tests.appsync.ministack import run_ministack
from tests.appsync.scripted import ScriptedPeer
from tests.monitoring.files import queries
from tests.monitoring.prometheus import Prometheus, scraping
from tests.monitoring.watched import Watched
from tests.polling import until
from tests.schemas.glue import running as running_glue

Name = Callable[[str], str]

#: For the variables that Grafana puts in; so many seconds are several scrapes.
VARIABLES = {"$__rate_interval": "30s", "$instance": ".*"}
#: Until something that takes a minute by its rule has to have happened.
ALERT_SECONDS = 300.0


def make_clients_of_all_kinds(netloc: str) -> None:
    """One that is refused, one that is thrown out, and one that comes back."""
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(f"http://{netloc}/ws?hashtag=a", timeout=60)
    with connect(f"ws://{netloc}/ws?hashtag=*", open_timeout=90) as client:
        cursor = json.loads(client.recv(60))["cursor"]
        with contextlib.suppress(ConnectionClosed):
            for _ in range(20):
                client.send("not JSON")
            while True:
                client.recv(60)
    with connect(f"ws://{netloc}/ws?hashtag=*&since={cursor}", open_timeout=90) as client:
        client.recv(60)


def empty_queries(prometheus: Prometheus) -> dict[str, str]:
    """The dashboard's queries that return nothing now."""
    empty = {}
    for name, query in queries().items():
        for variable, value in VARIABLES.items():
            query = query.replace(variable, value)
        assert "$" not in query
        if not prometheus.query(query):
            empty[name] = query
    return empty


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_alerts_fire_and_the_dashboard_has_data(unique: Name, tmp_path: Path) -> None:
    variables = {"STREAMS_STALL_SECONDS": "2", "STREAMS_STANDBYS": "1"}
    with (
        LocalKafka() as kafka,
        ScriptedPeer() as appsync,
        run_ministack(tmp_path) as s3,
        running_glue(tmp_path) as glue,
        Application(
            kafka,
            unique("watched"),
            tmp_path,
            partitions=2,
            variables={**variables, **appsync.variables, "STREAMS_WINDOW_SECONDS": "2"},
        ) as app,
        contextlib.ExitStack() as stack,
    ):
        appsync.mood = {"ok": 3, "errors": 1}
        watched = Watched(app, tmp_path, s3, glue)
        stack.enter_context(watched.running())
        prometheus = stack.enter_context(scraping(tmp_path, watched.ports))
        prometheus.until_up(5)
        write_results(app, [(b"raw", b"\xff")])  # which no peer can accept
        watched.write_unknown_schema()

        [broker] = kafka.brokers
        broker.pause()
        stalled = {("TallyTaskStalled", f"{HOST}:{worker.port}") for worker in watched.workers}
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

        watched.take_in()
        make_clients_of_all_kinds(f"{HOST}:{watched.gateway}")
        until(
            lambda: not empty_queries(prometheus),
            "each query of the dashboard returns something",
            ALERT_SECONDS,
            lambda: "\n".join(empty_queries(prometheus).values()),
        )

        frozen = watched.workers[0]
        frozen.freeze()
        down = ("TallyDown", f"{HOST}:{frozen.port}")
        until(lambda: down in prometheus.firing(), "a frozen worker is missed", ALERT_SECONDS)
