"""ministack as the AWS that stacks are created in."""

import contextlib
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session

from tests.appsync.processes import Process
from tests.cloud.placeholders import REGION
from tests.polling import until
from tests.worker import free_port


class Emulator:
    """Where it serves, and clients of its services."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = botocore.session.Session()
        self._clients: dict[str, Any] = {}

    @property
    def variables(self) -> dict[str, str]:
        """What leads AWS clients there."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        """A botocore client."""
        if service not in self._clients:
            self._clients[service] = self._session.create_client(
                service,
                region_name=REGION,
                endpoint_url=self.url,
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        return self._clients[service]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Emulator]:
    """It, as long as the context lasts."""
    port = free_port()
    emulator = Emulator(f"http://127.0.0.1:{port}")
    where = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_HOST": "localhost"}
    command = [sys.executable, "-m", "ministack"]
    with Process("ministack", folder, command, where) as process:

        def serves() -> bool:
            with contextlib.suppress(OSError):
                health = f"{emulator.url}/_ministack/health"
                return bool(urllib.request.urlopen(health).status == 200)
            return False

        until(serves, "ministack serves", 60, process.tail)
        yield emulator
