"""`/ws` as people run it: in a worker, and as `tally gateway`; TLS, wrong settings, SIGTERM."""

import asyncio
import json
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake

from deploy.local import LocalKafka
from tests.application import Application
from tests.live.gateways import HOST, code_of_closing, read, results
from tests.polling import until
from tests.worker import Worker

GATEWAY = [sys.executable, "-m", "streams.cli", "gateway"]
CANARY = "canary-in-a-coal-mine"
ROWS = [(b"one", 0), (b"one", 1), (b"two", 2), (b"end", 10**6)]


def variables(**more: str) -> dict[str, str]:
    """Windows of a second; each mention counts."""
    return {"STREAMS_WINDOW_SECONDS": "1", "STREAMS_MIN_MENTIONED": "0", **more}


async def test_a_worker_serves_its_results(kafka: LocalKafka, topic: str, tmp_path: Path) -> None:
    with Application(kafka, topic, tmp_path, variables=variables()) as app:
        await asyncio.to_thread(app.create_topics)
        worker = app.worker().start()
        await asyncio.to_thread(worker.until_running, 2)
        async with connect(f"ws://{HOST}:{worker.port}/ws?hashtag=one", open_timeout=60) as ws:
            assert (await read(ws))[0]["type"] == "subscribed"
            await asyncio.to_thread(app.write, [ROWS])
            [final] = await results(ws, 1)
            assert final["key"] == "one"
            assert final["value"] == {
                "hashtag": "one",
                "count": 2,
                "window_start": 0,
                "window_end": 1000,
            }
            assert worker.metrics()[("streams_live_connections",)] == 1
            assert worker.metrics()[("streams_live_deliveries_total",)] == 1
            stopping = asyncio.create_task(asyncio.to_thread(worker.stop))
            assert await code_of_closing(ws) == 1001
            assert await stopping == 0, worker.tail()


async def test_a_worker_may_be_told_not_to(kafka: LocalKafka, topic: str, tmp_path: Path) -> None:
    with Application(kafka, topic, tmp_path, variables=variables(STREAMS_LIVE="false")) as app:
        await asyncio.to_thread(app.create_topics)
        worker = app.worker().start()
        await asyncio.to_thread(worker.until_running, 2)
        assert worker.page("/ws?hashtag=one")[0] == 404


async def test_a_gateway_alone(kafka: LocalKafka, topic: str, tmp_path: Path) -> None:
    """Over TLS only, with tokens; SIGTERM says good-bye; nothing secret in the log."""
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps({CANARY: {"name": "anna", "keys": ["one"]}}))
    authority = trustme.CA()
    certificate = authority.issue_cert(HOST, "localhost")
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    ours = {
        **kafka.env(),
        "STREAMS_OUTPUT_TOPIC": topic,
        "STREAMS_LIVE_TOKENS_FILE": str(tokens),
        "STREAMS_WEB_TLS_CERTFILE": str(tmp_path / "cert.pem"),
        "STREAMS_WEB_TLS_KEYFILE": str(tmp_path / "key.pem"),
    }
    gateway = Worker("gateway", tmp_path, ours)
    gateway.start(command=[*GATEWAY, "--loglevel", "debug"])
    try:
        await asyncio.to_thread(gateway.until_said, "Serving at")
        url = f"{HOST}:{gateway.port}/ws?hashtag=one"
        bearer: dict[str, Any] = {"additional_headers": {"Authorization": f"Bearer {CANARY}"}}
        with pytest.raises((InvalidHandshake, OSError)):
            await connect(f"ws://{url}", open_timeout=60, **bearer)
        async with connect(f"wss://{url}", ssl=trusting, open_timeout=60, **bearer) as ws:
            assert (await read(ws))[0]["type"] == "subscribed"
            stopping = asyncio.create_task(asyncio.to_thread(gateway.stop))
            assert await code_of_closing(ws) == 1001
            assert await stopping == 0, gateway.tail()
        assert "canary" not in gateway.said()
        assert "Traceback" not in gateway.said()
    finally:
        gateway.end()


def test_a_gateway_is_ready_when_it_says_so(kafka: LocalKafka, topic: str, tmp_path: Path) -> None:
    gateway = Worker("gateway", tmp_path, {**kafka.env(), "STREAMS_OUTPUT_TOPIC": topic})
    gateway.start(command=GATEWAY)
    try:
        gateway.until_said("Serving at")
        until(lambda: gateway.health()[0] == 200, "it is ready", 60, gateway.tail)
        assert gateway.health()[1]["positions"] == {f"{topic}-{p}": 0 for p in range(3)}
        assert gateway.metrics()[("streams_live_connections",)] == 0
        assert gateway.stop() == 0
    finally:
        gateway.end()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"STREAMS_LIVE_TOKENS_FILE": "tokens.json"}, "STREAMS_LIVE_TOKENS_FILE"),
        ({"STREAMS_WEB_TLS_CERTFILE": "tokens.json"}, "STREAMS_WEB_TLS_CERTFILE"),
        ({"KAFKA_BOOTSTRAP": "127.0.0.1:1"}, "127.0.0.1:1"),
    ],
)
@pytest.mark.parametrize("command", ["gateway", "worker"])
def test_what_is_wrong_is_named(
    kafka: LocalKafka, tmp_path: Path, command: str, wrong: dict[str, str], named: str
) -> None:
    file = tmp_path / "tokens.json"
    file.write_text("{" + CANARY)
    ours = {name: str(file) if value == file.name else value for name, value in wrong.items()}
    process = Worker(command, tmp_path, {**kafka.env(), **ours})
    process.start(command=[sys.executable, "-m", "streams.cli", command])
    try:
        assert process.wait(60) == 1
        assert named in process.said()
        assert "Traceback" not in process.said()
        assert "canary" not in process.said()
    finally:
        process.end()
