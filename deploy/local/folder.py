"""The data folder: what was made in it, and where its parts are."""

from __future__ import annotations

import base64
import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local.errors import DataFolderError

MARKER = "tally-kafka.json"


@dataclass(frozen=True)
class Layout:
    """What a data folder was made for. None of it can change afterwards."""

    cluster_id: str
    brokers: int
    security: str


class DataFolder:
    """Paths below one folder; the marker file in it says which cluster it belongs to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def broker(self, node_id: int) -> Path:
        return self.path / f"broker-{node_id}"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    def open(self, brokers: int, security: str) -> Layout:
        """The folder's layout, made now if the folder is new; another cluster's is refused."""
        self.path.mkdir(parents=True, exist_ok=True)
        marker = self.path / MARKER
        if not marker.exists():
            if any(self.path.iterdir()):
                raise DataFolderError(
                    f"{self.path} is not empty and holds no {MARKER}: it isn't a local Kafka's "
                    "data folder",
                    "Choose an empty or a new folder",
                )
            write_atomically(marker, json.dumps(asdict(Layout(_new_id(), brokers, security))))
        layout = Layout(**json.loads(marker.read_text(encoding="utf-8")))
        if (layout.brokers, layout.security) != (brokers, security):
            raise DataFolderError(
                f"{self.path} holds a cluster of {layout.brokers} broker(s) with "
                f"{layout.security} security, not of {brokers} with {security}"
            )
        return layout


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file that others see either whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    draft.replace(path)


def _new_id() -> str:
    # Kafka's own form of a random id: a UUID as 22 characters of URL-safe base64. One that
    # starts with "-" would look like an option on a command line, so Kafka avoids it too.
    while True:
        identifier = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not identifier.startswith("-"):
            return identifier
