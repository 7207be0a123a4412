"""The container's health check, towards a server that is well, that isn't, and that isn't there."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from streams.health_check import main, urls
from streams.settings import Settings
from tests.worker import free_port


class Server(ThreadingHTTPServer):
    """Answers `/health` with `status`."""

    status = 200


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    if getattr(request, "param", "http") == "https":
        certificate = tmp_path / "server.pem"
        trustme.CA().issue_cert("tally.example").private_key_and_cert_chain_pem.write_to_path(
            certificate
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("server", ["http", "https"], indirect=True)
def test_it_asks_the_server_beside_it(
    request: pytest.FixtureRequest, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMS_WEB_HOST", "0.0.0.0")
    monkeypatch.setenv("STREAMS_WEB_PORT", str(server.server_port))
    if request.node.callspec.params["server"] == "https":
        monkeypatch.setenv("STREAMS_WEB_TLS_CERTFILE", "there is one")
    assert main() == 0
    server.status = 503
    assert main() == 1


def test_it_asks_ingestion_if_nothing_else_is_there(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMS_WEB_PORT", str(free_port()))
    monkeypatch.setenv("STREAMS_INGEST_HOST", "0.0.0.0")
    monkeypatch.setenv("STREAMS_INGEST_PORT", str(server.server_port))
    # Ingestion has no TLS of its own.
    monkeypatch.setenv("STREAMS_WEB_TLS_CERTFILE", "there is one")
    assert main() == 0
    server.status = 503
    assert main() == 1


def test_a_sick_worker_is_not_excused_by_ingestion(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sick(Handler):
        def do_GET(self) -> None:
            self.send_error(503)

    with ThreadingHTTPServer(("127.0.0.1", 0), Sick) as worker:
        thread = threading.Thread(target=worker.serve_forever)
        thread.start()
        monkeypatch.setenv("STREAMS_WEB_PORT", str(worker.server_port))
        monkeypatch.setenv("STREAMS_INGEST_PORT", str(server.server_port))
        try:
            assert main() == 1
        finally:
            worker.shutdown()
            thread.join()


def test_nobody_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ports = free_port(), free_port()
    monkeypatch.setenv("STREAMS_WEB_PORT", str(ports[0]))
    monkeypatch.setenv("STREAMS_INGEST_PORT", str(ports[1]))
    assert main() == 1
    said = capsys.readouterr().err
    assert all(f"127.0.0.1:{port}/health: " in said for port in ports)


def test_its_defaults_are_the_settings() -> None:
    settings = Settings()
    ingest = f"http://{settings.ingest.host}:{settings.ingest.port}/health"
    web = f"http://{settings.web_host}:{settings.web_port}/health"
    assert urls({}) == [web, ingest]
    assert urls({"STREAMS_WEB_HOST": "::"})[0] == f"http://[::1]:{settings.web_port}/health"


def test_a_wrong_port_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STREAMS_WEB_PORT", "abc")
    assert main() == 1
    assert "nonnumeric port: 'abc'" in capsys.readouterr().err
