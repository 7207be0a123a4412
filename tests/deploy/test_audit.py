"""The audit, towards a vulnerability service of our own."""

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy import audit
from tests.worker import free_port

pytest.importorskip("pip_audit")

LOCK = "aiohttp==3.14.5 \\\n    --hash=sha256:" + "0" * 64 + "\n"
VULNERABILITY = {
    "id": "PYSEC-2026-1",
    "summary": "made up",
    "details": "made up",
    "aliases": [],
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "aiohttp"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.99.0"}]}],
            "versions": ["3.14.5"],
        }
    ],
}


class Service:
    """Answers as OSV does, with `vulnerable` names only."""

    def __init__(self) -> None:
        self.vulnerable: set[str] = set()
        self.asked: set[str] = set()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                answer = service.answer(json.loads(self.rfile.read(size)))
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/query"

    def answer(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        name = question["package"]["name"]
        self.asked.add(name)
        return {"vulns": [VULNERABILITY]} if name in self.vulnerable else {}


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    thread = threading.Thread(target=service.server.serve_forever)
    thread.start()
    yield service
    service.server.shutdown()
    thread.join()
    service.server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> str:
    path = tmp_path / "some.lock"
    path.write_text(LOCK, encoding="utf-8")
    return str(path)


def test_findings_fail(service: Service, lock: str, capsys: pytest.CaptureFixture[str]) -> None:
    service.vulnerable = {"aiohttp"}
    assert audit.main(["--osv-url", service.url, lock]) == 1
    said = capsys.readouterr()
    assert "VULNERABLE aiohttp 3.14.5: PYSEC-2026-1, fixed in 3.99.0 (some.lock)" in said.out


def test_all_that_is_locked_is_asked_for(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main(["--strict", "--osv-url", service.url]) == 0
    locked = {
        line.split("==")[0]
        for path in audit.LOCKS.glob("*.lock")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "==" in line and "sys_platform" not in line
    }
    assert service.asked == locked
    said = capsys.readouterr()
    assert ", 0 findings" in said.out
    assert audit.OUT_OF_REACH in said.err


def test_what_cannot_be_checked_is_told_loudly(
    lock: str, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/v1/query"
    assert audit.main(["--osv-url", nobody, lock]) == 0
    said = capsys.readouterr()
    assert "!!! NOT CHECKED !!!" in said.err
    assert "all of some.lock: osv: " in said.err
    assert said.out.startswith("0 locked packages checked")
    assert audit.main(["--strict", "--osv-url", nobody, lock]) == 1


def test_a_lock_file_that_is_missing_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        audit.main([str(tmp_path / "none.lock")])
    assert caught.value.code == 2
    assert "none.lock" in capsys.readouterr().err
