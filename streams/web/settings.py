"""What is served live over the web: the `STREAMS_LIVE_*` variables, and TLS of the web server."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streams.errors import SettingError
from streams.setting_fields import setting
from streams.setting_kinds import boolean, integer, optional, readable_file, seconds
from streams.web.setting_kinds import Network, live_topics, networks, origins

DAY_S = 24 * 3600
MEBIBYTE = 2**20


@dataclass(frozen=True, kw_only=True)
class LiveSettings:
    """How results reach web clients. Building one raises SettingError when parts don't fit.

    Attributes that end in `_ms` are milliseconds; their variables say their own unit.
    """

    enabled: bool = setting(
        "STREAMS_LIVE",
        boolean(),
        "true",
        "workers serve /ws too; it costs nothing until somebody connects",
    )
    topics: Mapping[str, tuple[str, ...]] = setting(
        "STREAMS_LIVE_TOPICS",
        live_topics(),
        "",
        "topics to serve, and the URL parameters that choose keys of each; prices: `symbol`",
        shown="{output}=realTimeItemKey|hashtag",
    )
    allow_all: bool = setting(
        "STREAMS_LIVE_ALLOW_ALL", boolean(), "true", "`*` may be asked for: all keys of a topic"
    )
    tokens_file: Path | None = setting(
        "STREAMS_LIVE_TOKENS_FILE",
        optional(readable_file()),
        "",
        "JSON file of who may see which keys; unset = everybody may see all",
    )
    origins: frozenset[str] | None = setting(
        "STREAMS_LIVE_ORIGINS",
        optional(origins()),
        "",
        "sites whose pages may connect, as https://example.org",
        shown="the host that is asked",
    )
    trusted_proxies: tuple[Network, ...] = setting(
        "STREAMS_LIVE_TRUSTED_PROXIES",
        networks(),
        "",
        "addresses or networks whose X-Forwarded-For is believed",
    )
    max_connections: int = setting(
        "STREAMS_LIVE_MAX_CONNECTIONS", integer(1, 10**6), "5000", "connections in all"
    )
    max_per_address: int = setting(
        "STREAMS_LIVE_MAX_PER_ADDRESS", integer(1, 10**6), "200", "connections from one address"
    )
    max_keys: int = setting(
        "STREAMS_LIVE_MAX_KEYS", integer(1, 10**5), "1000", "keys of a connection"
    )
    max_message_bytes: int = setting(
        "STREAMS_LIVE_MAX_MESSAGE_BYTES",
        integer(256, 16 * MEBIBYTE),
        "131072",
        "a client's message may be so long",
    )
    max_messages: int = setting(
        "STREAMS_LIVE_MAX_MESSAGES", integer(1, 10**4), "20", "messages of a client in a second"
    )
    queue_bytes: int = setting(
        "STREAMS_LIVE_QUEUE_BYTES",
        integer(64 * 1024, 1024 * MEBIBYTE),
        # A closing window brings its results at once, and who follows all of them needs a while.
        str(16 * MEBIBYTE),
        "what may wait for one connection; a reader slower than that is closed",
    )
    queue_messages: int = setting(
        "STREAMS_LIVE_QUEUE_MESSAGES", integer(1000, 10**7), "50000", "the same, in messages"
    )
    ring_bytes: int = setting(
        "STREAMS_LIVE_RING_BYTES",
        integer(64 * 1024, 2**40),
        str(32 * MEBIBYTE),
        "memory for recent results, from which reconnecting clients are served",
    )
    history: int = setting(
        "STREAMS_LIVE_HISTORY",
        integer(0, 10**6),
        "5000",
        "results of each partition to read back at first",
    )
    replays: int = setting(
        "STREAMS_LIVE_REPLAYS",
        integer(1, 1000),
        "4",
        "clients at a time that are served from Kafka again; the others wait",
    )
    handshake_ms: int = setting(
        "STREAMS_LIVE_HANDSHAKE_SECONDS", seconds(1, 3600), "10", "time for a client to connect"
    )
    heartbeat_ms: int = setting(
        "STREAMS_LIVE_HEARTBEAT_SECONDS",
        seconds(1, 3600),
        "20",
        "time between pings; a client that doesn't answer within half of it is closed",
    )
    linger_ms: int = setting(
        "STREAMS_LIVE_LINGER_SECONDS",
        seconds(0, DAY_S),
        "300",
        "how long results are still followed after the last client has left",
    )
    tls_certfile: Path | None = setting(
        "STREAMS_WEB_TLS_CERTFILE",
        optional(readable_file()),
        "",
        "PEM file of the web server's certificates; it then speaks TLS only",
    )
    tls_keyfile: Path | None = setting(
        "STREAMS_WEB_TLS_KEYFILE",
        optional(readable_file()),
        "",
        "PEM file of its key, unless that is in the certificates' file",
    )

    def __post_init__(self) -> None:
        if self.tls_keyfile is not None and self.tls_certfile is None:
            raise SettingError("STREAMS_WEB_TLS_CERTFILE", "is needed with STREAMS_WEB_TLS_KEYFILE")

    def tls_context(self) -> ssl.SSLContext | None:
        """The web server's TLS; None without a certificate. Raises SettingError for bad files."""
        if self.tls_certfile is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # Without a password OpenSSL would ask for one on the terminal, and wait.
            context.load_cert_chain(self.tls_certfile, self.tls_keyfile, lambda: "")
        except (ssl.SSLError, OSError) as exc:
            problem = f"can't be used with its key: {exc}"
            raise SettingError("STREAMS_WEB_TLS_CERTFILE", problem, "a PEM file") from exc
        return context
