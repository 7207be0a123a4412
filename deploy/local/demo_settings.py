"""The environment of the demo's worker and simulator."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.cluster import LocalKafka
from deploy.local.external import ExternalKafka
from deploy.local.ports import HOST, free_port
from streams.settings import Settings

APP_ID = "tally-demo"


@dataclass(frozen=True)
class DemoSettings:
    """``env`` for the children, and what it says; ``own_prefix`` of topics to delete at the end."""

    env: Mapping[str, str]
    streams: Settings
    own_prefix: str | None

    @classmethod
    def make(cls, cluster: LocalKafka | ExternalKafka, folder: Path) -> DemoSettings:
        """Settings for this cluster. What the environment says of ``STREAMS_*`` holds.

        Only the data folder is always a new one, the server's address is on loopback, and the
        output is what we can read. On somebody else's cluster each run has topics of its own,
        which are deleted at the end, unless the environment names the application.
        """
        ours = {"STREAMS_DATA_DIR": str(folder / "data"), "STREAMS_WEB_HOST": HOST}
        ours["STREAMS_OUTPUT_FORMAT"] = "json"
        defaults = {"STREAMS_APP_ID": APP_ID, "STREAMS_WEB_PORT": str(free_port())}
        own_prefix = None
        if isinstance(cluster, ExternalKafka) and not os.environ.get("STREAMS_APP_ID"):
            app_id = f"{APP_ID}-{uuid.uuid4().hex[:8]}"
            own_prefix = f"{app_id}-"
            defaults["STREAMS_APP_ID"] = app_id
            defaults["STREAMS_INPUT_TOPIC"] = f"{app_id}-input"
            defaults["STREAMS_OUTPUT_TOPIC"] = f"{app_id}-output"
        given = {name: value for name, value in os.environ.items() if value}
        env = {**defaults, **given, **ours, **cluster.env(), "PYTHONUNBUFFERED": "1"}
        return cls(env, Settings.from_env(env), own_prefix)

    @property
    def web_address(self) -> str:
        """Where the worker serves its pages."""
        return f"{HOST}:{self.streams.web_port}"

    @property
    def page(self) -> str:
        """Where a browser shows the counts live."""
        return f"http://{self.web_address}/"
