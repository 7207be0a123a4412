"""Glue's registry as moto's server has it: schemas, versions and ids, but no comparisons."""

import contextlib
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session

from tests.appsync.processes import Process
from tests.polling import until
from tests.worker import free_port

REGION = "eu-west-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
START_SECONDS = 180


class Moto:
    """A running server."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def variables(self) -> dict[str, str]:
        """What leads a client of Glue there."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL_GLUE": self.url}

    def client(self) -> Any:
        """A client of the test's own."""
        return botocore.session.Session().create_client(
            "glue",
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Moto]:
    """A server with nothing in it."""
    port = free_port()
    made = Moto(f"http://127.0.0.1:{port}")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with Process("moto", folder, command, {}) as process:

        def serves() -> bool:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{made.url}/moto-api/", timeout=5)
                return True
            return False

        until(serves, "moto serves", START_SECONDS, process.tail)
        yield made
