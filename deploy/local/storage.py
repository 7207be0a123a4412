"""Writes what each broker finds at its start: its properties, and formatted storage."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import BrokerDiedError
from deploy.local.folder import write_atomically
from deploy.local.java import Java
from deploy.local.ports import Addresses
from deploy.local.process import last_words, spawn
from deploy.local.properties import broker_properties, render

FORMAT_SECONDS = 60.0


@dataclass(frozen=True)
class BrokerHome:
    """One broker's part of the data folder."""

    path: Path

    @property
    def properties(self) -> Path:
        return self.path / "server.properties"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def log(self) -> Path:
        return self.path / "kafka.log"

    @property
    def formatted(self) -> bool:
        return (self.data / "meta.properties").exists()

    def configure(
        self, node_id: int, nodes: Mapping[int, Addresses], extra: Mapping[str, str]
    ) -> None:
        """Write the properties: anew at each start, for the ports may have changed."""
        self.path.mkdir(exist_ok=True)
        if self.log.exists():
            # So that the log doesn't grow for ever, and an old error isn't taken for a new one.
            self.log.replace(self.log.with_suffix(".log.1"))
        properties = {**broker_properties(node_id, nodes, self.data), **extra}
        write_atomically(self.properties, render(properties))


def format_storage(
    java: Java, homes: list[BrokerHome], cluster_id: str, arguments: list[str]
) -> None:
    """Format the storage of all ``homes``, at the same time."""
    running: list[tuple[BrokerHome, subprocess.Popen[bytes]]] = []
    try:
        for home in homes:
            tool = ["format", "-t", cluster_id, "-c", str(home.properties), *arguments]
            command = java.command("kafka.tools.StorageTool", *tool)
            running.append((home, spawn(command, home.log)))
        deadline = time.monotonic() + FORMAT_SECONDS
        for home, process in running:
            if code := process.wait(max(0.0, deadline - time.monotonic())):
                raise BrokerDiedError(
                    f"Formatting {home.data} ended with code {code}; "
                    f"from {home.log}:\n{last_words(home.log)}"
                )
    except subprocess.TimeoutExpired as error:
        raise BrokerDiedError(
            f"Formatting the storage took more than {FORMAT_SECONDS:.0f} s and was ended"
        ) from error
    finally:
        for _, process in running:
            process.kill()
            process.wait()
