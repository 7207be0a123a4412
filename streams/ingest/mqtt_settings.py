"""The MQTT source: the `STREAMS_INGEST_MQTT_*` variables."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from streams.errors import SettingError
from streams.setting_fields import setting
from streams.setting_kinds import (
    Kind,
    Secret,
    choice,
    integer,
    name_of,
    optional,
    readable_file,
    seconds,
    secret,
    several,
    text,
)

DAY_S = 24 * 3600
CLIENT_ID_LENGTH = 128
PORTS = {"mqtt": 1883, "mqtts": 8883}


def broker_url() -> Kind[str]:
    """`mqtt://host[:port]`, or `mqtts://…` with TLS."""

    def parse(raw: str) -> str:
        url = urlsplit(raw)
        if url.scheme not in PORTS or not url.hostname or url.path not in {"", "/"}:
            raise ValueError("not an MQTT broker's address")
        if url.username is not None or url.query or url.fragment or url.port == 0:
            raise ValueError("it may hold neither user, query nor fragment")
        return raw

    # A refusal must not show a password that somebody has put there.
    return Kind(parse, "mqtt://host[:port], or mqtts:// for TLS", is_secret=True)


def topic_filter() -> Kind[str]:
    """A topic filter, whose wildcards are whole segments."""

    def parse(raw: str) -> str:
        *first, last = raw.split("/")
        if not raw or any(re.search(r"[#+]", s) and s != "+" for s in first):
            raise ValueError(f"{raw!r} is no topic filter")
        if re.search(r"[#+]", last) and last not in {"#", "+"}:
            raise ValueError(f"{raw!r} is no topic filter")
        return raw

    return Kind(parse, "a topic filter such as vehicles/+/position")


@dataclass(frozen=True, kw_only=True)
class MqttSettings:
    """Which messages, and what becomes their key. Building one raises SettingError.

    Attributes that end in `_ms` are milliseconds.
    """

    url: str | None = setting(
        "STREAMS_INGEST_MQTT_URL",
        optional(broker_url()),
        "",
        "mqtt: the broker, as mqtts://host[:port]; mqtt:// is without TLS",
    )
    version: str = setting(
        "STREAMS_INGEST_MQTT_VERSION", choice("5", "3.1.1"), "5", "mqtt: protocol version"
    )
    filters: tuple[str, ...] = setting(
        "STREAMS_INGEST_MQTT_FILTERS",
        several(topic_filter()),
        "",
        "mqtt: topic filters, as vehicles/+/position",
    )
    key_segments: tuple[int, ...] = setting(
        "STREAMS_INGEST_MQTT_KEY_SEGMENTS",
        several(integer(1, 100)),
        "",
        "mqtt: segments of the topic that are the key, from 1, joined by /",
        shown="the whole topic",
    )
    client_id: str = setting(
        "STREAMS_INGEST_MQTT_CLIENT_ID",
        name_of("a client", CLIENT_ID_LENGTH),
        "tally-ingest",
        "mqtt: whose session the broker keeps; another one for each process",
    )
    session_ms: int = setting(
        "STREAMS_INGEST_MQTT_SESSION_SECONDS",
        seconds(0, 365 * DAY_S),
        str(DAY_S),
        "mqtt 5: how long the broker keeps messages for us while we are away",
    )
    in_flight: int = setting(
        "STREAMS_INGEST_MQTT_IN_FLIGHT",
        integer(1, 65535),
        "1000",
        "mqtt 5: messages that the broker may send before we acknowledge; 3.1.1: it decides",
    )
    username: str | None = setting(
        "STREAMS_INGEST_MQTT_USERNAME", optional(text()), "", "mqtt: user"
    )
    password: Secret | None = setting(
        "STREAMS_INGEST_MQTT_PASSWORD", optional(secret()), "", "mqtt: password"
    )
    ca_file: Path | None = setting(
        "STREAMS_INGEST_MQTT_CAFILE",
        optional(readable_file()),
        "",
        "mqtt: PEM file of the CA that signed the broker's certificate",
        shown="the system's CAs",
    )

    def __post_init__(self) -> None:
        if self.password is not None and self.username is None:
            raise SettingError(
                "STREAMS_INGEST_MQTT_USERNAME", "is needed with STREAMS_INGEST_MQTT_PASSWORD"
            )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        url = urlsplit(self.url or "")
        return url.hostname or "", url.port or PORTS[url.scheme]

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return (self.url or "").startswith("mqtts:")
