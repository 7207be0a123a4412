"""Debian's Prometheus, as a process of a test's own."""

import contextlib
import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.ports import HOST
from tests.appsync.processes import Process
from tests.monitoring.files import ALERTS, PROMETHEUS
from tests.polling import until
from tests.worker import free_port

SECONDS = 180.0


def needed(program: str) -> str:
    """The path of a program of Debian's package `prometheus`; skips the test without it."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"needs {program}, of Debian's package prometheus")
    return path


class Prometheus:
    """A server that scrapes; asked over its API."""

    def __init__(self, port: int) -> None:
        self._url = f"http://{HOST}:{port}"

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer; raises OSError while it doesn't serve, or if it refuses."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self._url}/api/v1/{path}?{query}", timeout=60) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """An expression's value now, a sample for each set of labels."""
        try:
            result: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        except urllib.error.HTTPError as exc:
            raise AssertionError(f"{expression}: {exc.read().decode()}") from None
        return result

    def firing(self) -> set[tuple[str, str]]:
        """The alerts that fire, each with its instance."""
        return {
            (alert["labels"]["alertname"], alert["labels"].get("instance", ""))
            for alert in self.ask("alerts")["alerts"]
            if alert["state"] == "firing"
        }

    def until_up(self, n: int) -> None:
        """Wait until n targets answer."""
        until(lambda: len(self.query("up == 1")) == n, f"{n} targets are up", SECONDS)


@contextlib.contextmanager
def scraping(folder: Path, targets: Mapping[str, Sequence[int]]) -> Iterator[Prometheus]:
    """Prometheus with the shipped configuration and rules, but quick, and with these targets.

    `targets` has the ports of each job.
    """
    program = needed("prometheus")
    content = yaml.safe_load(PROMETHEUS.read_text(encoding="utf-8"))
    assert {job["job_name"] for job in content["scrape_configs"]} <= targets.keys()
    content["scrape_configs"] = [
        {
            "job_name": job,
            "static_configs": [{"targets": [f"{HOST}:{port}" for port in ports]}],
        }
        for job, ports in targets.items()
    ]
    content["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    shutil.copy(ALERTS, folder)
    port = free_port()
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={HOST}:{port}",
    ]
    server = Prometheus(port)

    def serves() -> bool:
        with contextlib.suppress(OSError):
            return bool(server.ask("status/runtimeinfo"))
        return False

    with Process("prometheus", folder, command, {}) as process:
        until(serves, "Prometheus serves", SECONDS, process.tail)
        yield server
