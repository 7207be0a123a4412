"""What the gateway offers to its sources."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from producers.ingest.checkpoints import Checkpoints
from producers.ingest.outlet import Outlet
from producers.ingest.record import Record
from producers.ingest.site import Site
from streams.settings import Settings


@dataclass(frozen=True)
class Gateway:
    """See the module."""

    settings: Settings
    outlet: Outlet
    checkpoints: Checkpoints
    site: Site

    def topics_of(self, source: str) -> tuple[str, ...]:
        """Where a source's records may go."""
        return topics_of(self.settings, source)

    def record(
        self, source: str, value: bytes, key: bytes | None = None, identity: str = ""
    ) -> Record:
        """A record of a source with one topic; the key is found in its JSON if it has none."""
        if key is None and self.settings.ingest.key_field is not None:
            key = key_within(value, self.settings.ingest.key_field)
        return Record(self.topics_of(source)[0], value, key, identity)


def topics_of(settings: Settings, source: str) -> tuple[str, ...]:
    """Where a source's records may go, by the settings."""
    return settings.ingest.topics.get(source, (settings.input_topic,))


def key_within(value: bytes, path: Sequence[str]) -> bytes | None:
    """The key that a JSON value holds at `path`; None if there is none."""
    try:
        return key_of(json.loads(value), path)
    except ValueError:
        return None


def key_of(found: Any, path: Sequence[str]) -> bytes | None:
    """The same for parsed JSON. Numbers are keys as JSON writes them."""
    for name in path:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    if isinstance(found, str):
        return found.encode("utf-8", "surrogatepass")
    if isinstance(found, bool | int | float):
        return json.dumps(found).encode()
    return None
