"""Every setting, typed, from the environment.

`Settings.from_env(environ)` reads all `STREAMS_*` and `KAFKA_*` variables; an empty variable is
the same as an unset one. A wrong value is refused by its variable's name. An unknown `STREAMS_*`
variable is refused too, since a misspelt setting would silently be the default; unknown
`KAFKA_*` ones are left alone, for other programs own some.

To add a setting: one field here, with its variable, kind, default and help. How text becomes a
value is in `setting_kinds.py`.
"""

import difflib
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from streams.errors import SettingError
from streams.setting_kinds import (
    TOPIC_LENGTH,
    Kind,
    Secret,
    boolean,
    choice,
    host,
    host_ports,
    integer,
    name_of,
    optional,
    path,
    readable_file,
    seconds,
    secret,
    text,
)

YEAR_S = 365 * 24 * 3600
HALF_HOUR_MS = 30 * 60 * 1000

# Names derived from the application's id still have to fit into a topic's name.
APP_ID_LENGTH = 150

# The committed offset's metadata carries one entry per partition, and brokers cap it at 4 KiB.
MAX_PARTITIONS = 256

# Each one is a whole copy of the state, and is written as often.
MAX_STANDBYS = 10


def setting(variable: str, kind: Kind[Any], default: str, help_: str, shown: str = "") -> Any:
    """A dataclass field read from `variable`; `default` is written as in the environment.

    `shown` is the default as people read it, where it is derived from another setting.
    """
    return field(
        default_factory=lambda: kind.parse(default),
        metadata={"variable": variable, "kind": kind, "default": shown or default, "help": help_},
    )


class Row(NamedTuple):
    """One setting for people: all as text in the variable's own unit, secrets masked."""

    name: str
    value: str
    default: str
    help: str


def _parsed(cls: type[Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The values of those fields of `cls` whose variable is set."""
    values = {}
    for f in fields(cls):
        variable = f.metadata.get("variable", "")
        raw = environ.get(variable, "").strip()
        if not raw:
            continue
        kind: Kind[Any] = f.metadata["kind"]
        try:
            values[f.name] = kind.parse(raw)
        except ValueError as exc:
            what = "is refused" if kind.is_secret else f"{raw!r} is refused"
            raise SettingError(variable, f"{what}: {exc}", kind.allowed) from None
    return values


def _variables(cls: type[Any]) -> list[str]:
    return [f.metadata["variable"] for f in fields(cls) if f.metadata]


@dataclass(frozen=True, kw_only=True)
class KafkaSettings:
    """How to reach the cluster. Building one raises SettingError when parts don't fit."""

    bootstrap: tuple[str, ...] = setting(
        "KAFKA_BOOTSTRAP", host_ports(), "127.0.0.1:9092", "brokers to ask first"
    )
    security_protocol: str = setting(
        "KAFKA_SECURITY_PROTOCOL",
        choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
        "PLAINTEXT",
        "how to talk to the brokers",
    )
    sasl_mechanism: str = setting(
        "KAFKA_SASL_MECHANISM",
        choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
        "SCRAM-SHA-512",
        "how the password is proved, with SASL_*",
    )
    sasl_username: str | None = setting(
        "KAFKA_SASL_USERNAME", optional(text()), "", "user, with SASL_*"
    )
    sasl_password: Secret | None = setting(
        "KAFKA_SASL_PASSWORD", optional(secret()), "", "password, with SASL_*"
    )
    ssl_cafile: Path | None = setting(
        "KAFKA_SSL_CAFILE",
        optional(readable_file()),
        "",
        "PEM file of the CA that signed the brokers' certificates",
        shown="the system's CAs",
    )
    ssl_certfile: Path | None = setting(
        "KAFKA_SSL_CERTFILE", optional(readable_file()), "", "PEM file of our own certificate"
    )
    ssl_keyfile: Path | None = setting(
        "KAFKA_SSL_KEYFILE",
        optional(readable_file()),
        "",
        "PEM file of our key, unless it is in the certificate's file",
    )
    ssl_password: Secret | None = setting(
        "KAFKA_SSL_PASSWORD", optional(secret()), "", "password of our key"
    )

    def __post_init__(self) -> None:
        self._check_sasl()
        self._check_ssl()

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the `KAFKA_*` variables; raises SettingError."""
        return cls(**_parsed(cls, environ))

    @property
    def uses_sasl(self) -> bool:
        return self.security_protocol.startswith("SASL_")

    @property
    def uses_ssl(self) -> bool:
        return self.security_protocol.endswith("SSL")

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments for any aiokafka client; raises SettingError for unusable PEM files."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.bootstrap),
            "security_protocol": self.security_protocol,
        }
        if self.uses_ssl:
            options["ssl_context"] = self._ssl_context()
        if self.sasl_password is not None:
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.sasl_password.reveal()
        return options

    def _check_sasl(self) -> None:
        credentials = {
            "KAFKA_SASL_USERNAME": self.sasl_username,
            "KAFKA_SASL_PASSWORD": self.sasl_password,
        }
        for variable, value in credentials.items():
            if self.uses_sasl and value is None:
                raise SettingError(variable, f"is needed with {self.security_protocol}")
            if not self.uses_sasl and value is not None:
                raise self._useless(variable, "SASL_PLAINTEXT, SASL_SSL")

    def _check_ssl(self) -> None:
        files = {
            "KAFKA_SSL_CAFILE": self.ssl_cafile,
            "KAFKA_SSL_CERTFILE": self.ssl_certfile,
            "KAFKA_SSL_KEYFILE": self.ssl_keyfile,
        }
        if not self.uses_ssl:
            for variable, value in files.items():
                if value is not None:
                    raise self._useless(variable, "SSL, SASL_SSL")
        if self.ssl_keyfile is not None and self.ssl_certfile is None:
            raise SettingError("KAFKA_SSL_CERTFILE", "is needed with KAFKA_SSL_KEYFILE")

    def _useless(self, variable: str, protocols: str) -> SettingError:
        """Refused rather than ignored: who sets it believes the connection is protected."""
        return SettingError(
            "KAFKA_SECURITY_PROTOCOL",
            f"{self.security_protocol} makes no use of {variable}, which is set",
            f"{protocols}, or leave {variable} unset",
        )

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ssl_cafile)
        except (ssl.SSLError, OSError) as exc:
            raise SettingError("KAFKA_SSL_CAFILE", f"can't be used: {exc}", "a PEM file") from exc
        if self.ssl_certfile is not None:
            password = self.ssl_password.reveal() if self.ssl_password is not None else ""
            try:
                # Without a password OpenSSL would ask for one on the terminal, and wait.
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile, lambda: password)
            except (ssl.SSLError, OSError) as exc:
                problem = f"can't be used with its key and KAFKA_SSL_PASSWORD: {exc}"
                raise SettingError("KAFKA_SSL_CERTFILE", problem, "a PEM file") from exc
        return context


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the application does. Building one raises SettingError when parts don't fit.

    Attributes that end in `_ms` are milliseconds; their variables say their own unit.
    """

    kafka: KafkaSettings = field(default_factory=KafkaSettings)

    app_id: str = setting(
        "STREAMS_APP_ID",
        name_of("an application", APP_ID_LENGTH),
        "tally",
        "consumer group, and prefix of internal topics and transactional ids",
    )
    data_dir: Path = setting(
        "STREAMS_DATA_DIR", path(), ".tally", "folder of the local state, one for each worker"
    )
    input_topic: str = setting(
        "STREAMS_INPUT_TOPIC", name_of("a topic", TOPIC_LENGTH), "twitter_input", "hashtags come in"
    )
    output_topic: str = setting(
        "STREAMS_OUTPUT_TOPIC", name_of("a topic", TOPIC_LENGTH), "twitter_output", "finals go out"
    )
    dead_letter_topic: str = setting(
        "STREAMS_DEAD_LETTER_TOPIC",
        optional(name_of("a topic", TOPIC_LENGTH)),
        "",
        "records that can't be counted",
        shown="{input}-dead-letters",
    )
    late_topic: str | None = setting(
        "STREAMS_LATE_TOPIC",
        optional(name_of("a topic", TOPIC_LENGTH)),
        "",
        "late records; unset = they are only counted",
    )
    window_ms: int = setting(
        "STREAMS_WINDOW_SECONDS", seconds(0.001, YEAR_S), "20", "length of a window"
    )
    grace_ms: int = setting(
        "STREAMS_GRACE_SECONDS", seconds(0, YEAR_S), "0", "how long a window waits for late records"
    )
    min_mentioned: int = setting(
        "STREAMS_MIN_MENTIONED",
        integer(0, 2**63 - 1),
        "4",
        "a final must be above this count (exclusive)",
    )
    commit_interval_ms: int = setting(
        "STREAMS_COMMIT_INTERVAL_MS", integer(1, HALF_HOUR_MS), "100", "time between transactions"
    )
    quiet_commit_interval_ms: int = setting(
        "STREAMS_QUIET_COMMIT_INTERVAL_MS",
        integer(1, HALF_HOUR_MS),
        "1000",
        "the same for a task that has only counted for windows still open: no result waits for it",
    )
    window_idle_ms: int = setting(
        "STREAMS_WINDOW_IDLE_SECONDS",
        seconds(0, YEAR_S),
        "60",
        "an input partition without records for so long stops holding windows back; 0 = never",
    )
    max_value_bytes: int = setting(
        "STREAMS_MAX_VALUE_BYTES", integer(1, 2**20), "4096", "longer values are dead letters"
    )
    max_ahead_ms: int = setting(
        "STREAMS_MAX_AHEAD_SECONDS",
        seconds(0, YEAR_S),
        "3600",
        "timestamps further ahead of the wall clock are dead letters",
    )
    output_format: str = setting(
        "STREAMS_OUTPUT_FORMAT",
        choice("json", "long"),
        "json",
        "value of a final: JSON, or the count as 8 bytes big-endian",
    )
    create_topics: bool = setting(
        "STREAMS_CREATE_TOPICS", boolean(), "true", "create topics that are missing"
    )
    partitions: int = setting(
        "STREAMS_PARTITIONS",
        integer(1, MAX_PARTITIONS),
        "3",
        "partitions of the topics it creates",
    )
    replication: int = setting(
        "STREAMS_REPLICATION", integer(1, 15), "1", "replicas of the topics it creates"
    )
    transaction_timeout_ms: int = setting(
        "STREAMS_TRANSACTION_TIMEOUT_MS",
        integer(1000, HALF_HOUR_MS // 2),
        "10000",
        "the broker aborts a dead worker's transaction after this",
    )
    session_timeout_ms: int = setting(
        "STREAMS_SESSION_TIMEOUT_MS",
        integer(1000, HALF_HOUR_MS),
        "6000",
        "a worker silent for so long loses its partitions (brokers ask for 6000 or more)",
    )
    heartbeat_interval_ms: int = setting(
        "STREAMS_HEARTBEAT_INTERVAL_MS", integer(100, HALF_HOUR_MS), "1000", "time between them"
    )
    rebalance_timeout_ms: int = setting(
        "STREAMS_REBALANCE_TIMEOUT_MS",
        integer(1000, HALF_HOUR_MS),
        "10000",
        "how long a rebalance waits for a worker to hand over",
    )
    instance_id: str | None = setting(
        "STREAMS_INSTANCE_ID",
        optional(name_of("an instance", TOPIC_LENGTH)),
        "",
        "group.instance.id: a restarted worker gets its partitions back at once",
    )
    standbys: int = setting(
        "STREAMS_STANDBYS",
        integer(0, MAX_STANDBYS),
        "0",
        "copies of each task's state that other workers keep, to take over in seconds",
    )
    close_chunk: int = setting(
        "STREAMS_CLOSE_CHUNK", integer(1, 10**6), "20000", "keys that one transaction closes"
    )
    stall_ms: int = setting(
        "STREAMS_STALL_SECONDS",
        seconds(1, YEAR_S),
        "30",
        "a task without progress for so long is reported as stalled",
    )
    web_host: str = setting(
        "STREAMS_WEB_HOST", host(), "127.0.0.1", "where to serve; 0.0.0.0 within a container"
    )
    web_port: int = setting("STREAMS_WEB_PORT", integer(1, 65535), "6066", "where to serve")
    log_finals: bool = setting(
        "STREAMS_LOG_FINALS", boolean(), "true", "a log line for each final result"
    )

    PREFIX: ClassVar[str] = "STREAMS_"

    def __post_init__(self) -> None:
        if not self.dead_letter_topic:
            object.__setattr__(self, "dead_letter_topic", f"{self.input_topic}-dead-letters")
        self._check_topics()
        self._check_timeouts()

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read all variables; raises SettingError for a wrong value or unknown name."""
        _refuse_unknown(environ, _variables(cls), cls.PREFIX)
        return cls(kafka=KafkaSettings.from_env(environ), **_parsed(cls, environ))

    def _check_topics(self) -> None:
        if len(self.dead_letter_topic) > TOPIC_LENGTH:
            problem = "is needed, since STREAMS_INPUT_TOPIC is too long to derive it from"
            raise SettingError("STREAMS_DEAD_LETTER_TOPIC", problem)
        owners: dict[str, str] = {}
        for variable, topic in {
            "STREAMS_INPUT_TOPIC": self.input_topic,
            "STREAMS_OUTPUT_TOPIC": self.output_topic,
            "STREAMS_DEAD_LETTER_TOPIC": self.dead_letter_topic,
            "STREAMS_LATE_TOPIC": self.late_topic,
        }.items():
            if topic is None:
                continue
            # Brokers take names that differ only in "." and "_" for a collision.
            owner = owners.setdefault(topic.replace(".", "_"), variable)
            if owner != variable:
                raise SettingError(variable, f"{topic!r} is also {owner}", "a topic of its own")

    def _check_timeouts(self) -> None:
        checks = (
            (
                self.heartbeat_interval_ms * 2 < self.session_timeout_ms,
                "STREAMS_HEARTBEAT_INTERVAL_MS",
                self.heartbeat_interval_ms,
                f"below half of STREAMS_SESSION_TIMEOUT_MS ({self.session_timeout_ms})",
            ),
            (
                self.session_timeout_ms < self.rebalance_timeout_ms,
                "STREAMS_SESSION_TIMEOUT_MS",
                self.session_timeout_ms,
                f"below STREAMS_REBALANCE_TIMEOUT_MS ({self.rebalance_timeout_ms})",
            ),
            (
                self.commit_interval_ms < self.transaction_timeout_ms,
                "STREAMS_COMMIT_INTERVAL_MS",
                self.commit_interval_ms,
                f"below STREAMS_TRANSACTION_TIMEOUT_MS ({self.transaction_timeout_ms})",
            ),
            (
                self.quiet_commit_interval_ms < self.transaction_timeout_ms,
                "STREAMS_QUIET_COMMIT_INTERVAL_MS",
                self.quiet_commit_interval_ms,
                f"below STREAMS_TRANSACTION_TIMEOUT_MS ({self.transaction_timeout_ms})",
            ),
        )
        for holds, variable, value, allowed in checks:
            if not holds:
                raise SettingError(variable, f"{value} is too long", allowed)


def _refuse_unknown(environ: Iterable[str], known: list[str], prefix: str) -> None:
    for variable in sorted(environ):
        if variable.startswith(prefix) and variable not in known:
            near = difflib.get_close_matches(variable, known, n=1, cutoff=0.8)
            hint = f"did you mean {near[0]}?" if near else "`tally settings` lists all"
            raise SettingError(variable, f"there is no such setting; {hint}")


def describe(settings: Settings) -> list[Row]:
    """All settings in the order of this file, as a person would write them; secrets masked."""
    rows = []
    for part in (settings.kafka, settings):
        for f in fields(part):
            if not f.metadata:
                continue
            value = f.metadata["kind"].show(getattr(part, f.name))
            rows.append(
                Row(f.metadata["variable"], value, f.metadata["default"], f.metadata["help"])
            )
    return rows
