"""A REST API that is asked at intervals."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.application import Kafka
from tests.ingest.ingester import Ingester
from tests.polling import until

KEY = "a-key-in-the-url"


class Weather:
    """An API whose answer tests set; it knows ETags."""

    def __init__(self) -> None:
        self.answer: Any = {}
        self.status = 200
        self.asked: list[int] = []
        weather = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(weather.answer).encode()
                etag = f'"{hash(body)}"'
                is_known = self.headers["If-None-Match"] == etag
                is_ours = self.headers["X-Api"] == "secret-header-value"
                status = 304 if is_known else weather.status if is_ours else 401
                self.send_response(status)
                self.send_header("ETag", etag)
                self.send_header("Content-Length", "0" if status == 304 else str(len(body)))
                self.end_headers()
                if status != 304:
                    self.wfile.write(body)
                weather.asked.append(status)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def times(self, status: int) -> int:
        """How often it has answered so."""
        return self.asked.count(status)


@pytest.fixture
def weather() -> Iterator[Weather]:
    api = Weather()
    thread = threading.Thread(target=api.server.serve_forever)
    thread.start()
    yield api
    api.server.shutdown()
    api.server.server_close()
    thread.join()


def test_only_changes_are_published(
    kafka: Kafka, weather: Weather, topic: str, tmp_path: Path
) -> None:
    def stations(**degrees: int) -> dict[str, Any]:
        listed = [{"id": k, "degrees": v} for k, v in degrees.items()]
        # Longer than what arrives at once.
        return {"data": {"stations": listed}, "about": "x" * 500_000}

    variables = {
        "STREAMS_INGEST_REST_URL": f"http://127.0.0.1:{weather.server.server_port}/?key={KEY}",
        "STREAMS_INGEST_REST_HEADER": "X-Api: secret-header-value",
        "STREAMS_INGEST_REST_SECONDS": "0.1",
        "STREAMS_INGEST_REST_ITEMS": "data.stations",
        "STREAMS_INGEST_KEY_FIELD": "id",
    }
    weather.answer = stations(bern=10, oslo=-3)
    with Ingester(kafka, topic, tmp_path, "rest", **variables) as gateway:
        gateway.until_published(2)
        until(lambda: weather.times(304) > 2, "it asks whether anything has changed", 100)
        weather.answer = stations(oslo=-3, bern=11)
        gateway.until_published(3)
        weather.status, weather.answer = 500, {}
        until(lambda: weather.times(500) > 0, "trouble", 100)
        assert gateway.stop() == 0, gateway.tail()
        weather.status, weather.answer = 200, stations(bern=11, oslo=-3, rome=20)
        gateway.begin()
        found = gateway.until_published(4)
        assert gateway.stop() == 0, gateway.tail()
        log = gateway.log.read_text()
    assert sorted((record.key, json.loads(record.value or b"")["degrees"]) for record in found) == [
        (b"bern", 10),
        (b"bern", 11),
        (b"oslo", -3),
        (b"rome", 20),
    ]
    assert "status 500" in log
    assert KEY not in log
    assert "secret-header-value" not in log
