"""Processes that a registry doesn't let start: they name the setting, and no secret."""

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.worker import clean_environment, free_port

LOGIN = base64.b64encode(b"me:canary").decode()
API = "/ccompat"


class Handler(BaseHTTPRequestHandler):
    """A registry that asks for a password, and takes no schema."""

    def do_GET(self) -> None:
        self._answer(200, ["AVRO"])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(409, {"error_code": 409, "message": "a field is missing"})

    def _answer(self, status: int, body: object) -> None:
        if not self.path.startswith(API):
            status, body = 404, {}
        elif self.headers["Authorization"] != f"Basic {LOGIN}":
            status, body = 401, {"error_code": 401, "message": "Unauthorized"}
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def refusal(folder: Path, url: str, password: str, *command: str) -> str:
    """The one line that a process says when it ends with 1. It needs no Kafka to get there."""
    variables = {
        "KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port()}",
        "STREAMS_DATA_DIR": str(folder),
        "STREAMS_WEB_PORT": str(free_port()),
        "STREAMS_VALUE_FORMATS": "twitter_input=avro",
        "STREAMS_SCHEMA_REGISTRY_URL": url,
        "STREAMS_SCHEMA_REGISTRY_USERNAME": "me",
        "STREAMS_SCHEMA_REGISTRY_PASSWORD": password,
    }
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        env={**clean_environment(), **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "canary" not in ended.stdout + ended.stderr
    return ended.stderr.strip().splitlines()[-1]


PRODUCE = ("producers", "simulate", "--count", "1")
WORK = ("streams.cli", "worker")


@pytest.mark.parametrize("command", [PRODUCE, WORK], ids=["producer", "worker"])
def test_a_password_that_is_wrong(tmp_path: Path, root: str, command: tuple[str, ...]) -> None:
    line = refusal(tmp_path, root + API, "canary2", *command)
    assert "STREAMS_SCHEMA_REGISTRY_USERNAME: " in line
    assert "401: Unauthorized" in line


def test_an_address_that_is_wrong(tmp_path: Path, root: str) -> None:
    line = refusal(tmp_path, f"{root}/elsewhere", "canary", *PRODUCE)
    assert "STREAMS_SCHEMA_REGISTRY_URL: " in line


def test_a_schema_that_is_incompatible(tmp_path: Path, root: str) -> None:
    line = refusal(tmp_path, root + API, "canary", *PRODUCE)
    assert "STREAMS_SCHEMA_FILES: the registry refuses the schema of twitter_input: " in line
    assert "a field is missing" in line
