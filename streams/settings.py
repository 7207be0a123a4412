"""Every setting, typed, from the environment.

`Settings.from_env(environ)` reads all `STREAMS_*` and `KAFKA_*` variables; an empty variable is
the same as an unset one. A wrong value is refused by its variable's name. An unknown `STREAMS_*`
variable is refused too, since a misspelt setting would silently be the default; unknown
`KAFKA_*` ones are left alone, for other programs own some.

To add a setting: one field here, with its variable, kind, default and help; or in the class of its
part, such as `KafkaSettings`. How text becomes a value is in `setting_kinds.py`, and which values
contradict each other in `setting_checks.py`.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from streams.errors import SettingError
from streams.ingest.aws_settings import AwsSourceSettings
from streams.ingest.mqtt_settings import MqttSettings
from streams.ingest.polled_settings import PolledSettings
from streams.ingest.settings import IngestSettings
from streams.jobs.names import HASHTAGS, TICKERS
from streams.jobs.settings import TickerSettings
from streams.kafka_settings import KafkaSettings
from streams.schemas.settings import SchemaSettings
from streams.setting_checks import check
from streams.setting_fields import Row, parsed, refuse_unknown, rows, setting, variables
from streams.setting_kinds import (
    TOPIC_LENGTH,
    boolean,
    choice,
    host,
    integer,
    name_of,
    optional,
    path,
    seconds,
    several,
)
from streams.sinks.archive.settings import ArchiveSettings
from streams.sinks.settings import AppSyncSettings
from streams.web.queries.settings import QuerySettings
from streams.web.settings import LiveSettings

YEAR_S = 365 * 24 * 3600
HALF_HOUR_MS = 30 * 60 * 1000

# Names derived from the application's id still have to fit into a topic's name.
APP_ID_LENGTH = 150

# The committed offset's metadata carries one entry per partition, and brokers cap it at 4 KiB.
MAX_PARTITIONS = 256

# The URL parameters that choose keys of each job's output topic.
LIVE_PARAMETERS = {
    HASHTAGS: ("realTimeItemKey", "hashtag"),
    TICKERS: ("realTimeItemKey", "symbol"),
}

# Each one is a whole copy of the state, and is written as often.
MAX_STANDBYS = 10


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the application does. Building one raises SettingError when parts don't fit.

    Attributes that end in `_ms` are milliseconds; their variables say their own unit.
    """

    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    appsync: AppSyncSettings = field(default_factory=AppSyncSettings)
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
    live: LiveSettings = field(default_factory=LiveSettings)
    queries: QuerySettings = field(default_factory=QuerySettings)
    tickers: TickerSettings = field(default_factory=TickerSettings)
    schemas: SchemaSettings = field(default_factory=SchemaSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    aws_sources: AwsSourceSettings = field(default_factory=AwsSourceSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    polled: PolledSettings = field(default_factory=PolledSettings)

    jobs: tuple[str, ...] = setting(
        "STREAMS_JOBS", several(choice(HASHTAGS, TICKERS)), HASHTAGS, "the jobs that are run"
    )
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
        "records that can't be processed",
        shown="{first job's input}-dead-letters",
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
        choice("json", "long", "avro"),
        "json",
        "value of a final: JSON, the count as 8 bytes big-endian, or Avro",
    )
    create_topics: bool = setting(
        "STREAMS_CREATE_TOPICS",
        boolean(),
        "true",
        "create topics that are missing; they keep their records until you set retention.ms",
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
    log_topics: tuple[str, ...] = setting(
        "STREAMS_LOG_TOPICS",
        several(name_of("a topic", TOPIC_LENGTH)),
        "",
        "topics whose records `tally log` logs",
        shown="{output}",
    )

    PREFIX: ClassVar[str] = "STREAMS_"
    #: Settings that have a class of their own, by the field that holds them.
    PARTS: ClassVar[Mapping[str, type[Any]]] = {
        "kafka": KafkaSettings,
        "live": LiveSettings,
        "queries": QuerySettings,
        "appsync": AppSyncSettings,
        "archive": ArchiveSettings,
        "tickers": TickerSettings,
        "schemas": SchemaSettings,
        "ingest": IngestSettings,
        "aws_sources": AwsSourceSettings,
        "mqtt": MqttSettings,
        "polled": PolledSettings,
    }

    def __post_init__(self) -> None:
        if len(set(self.jobs)) < len(self.jobs):
            raise SettingError("STREAMS_JOBS", "a job stands there twice")
        if not self.dead_letter_topic:
            first = self.input_topics[self.jobs[0]]
            object.__setattr__(self, "dead_letter_topic", f"{first}-dead-letters")
        if not self.live.topics:
            topics = {self.output_topics[job]: LIVE_PARAMETERS[job] for job in self.jobs}
            object.__setattr__(self, "live", replace(self.live, topics=topics))
        check(self)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read all variables; raises SettingError for a wrong value or unknown name."""
        known = [name for part in (cls, *cls.PARTS.values()) for name in variables(part)]
        refuse_unknown(environ, known, cls.PREFIX)
        parts = {name: part(**parsed(part, environ)) for name, part in cls.PARTS.items()}
        return cls(**parts, **parsed(cls, environ))

    @property
    def advertised_url(self) -> str:
        """Where others reach this worker's web server."""
        if self.queries.advertised_url is not None:
            return self.queries.advertised_url
        is_any = self.web_host in {"0.0.0.0", "::"}
        name = socket.gethostname() if is_any else self.web_host
        scheme = "https" if self.live.tls_certfile is not None else "http"
        return f"{scheme}://{f'[{name}]' if ':' in name else name}:{self.web_port}"

    @property
    def input_topics(self) -> dict[str, str]:
        """What each of the jobs reads."""
        topics = {HASHTAGS: self.input_topic, TICKERS: self.tickers.input_topic}
        return {job: topics[job] for job in self.jobs}

    @property
    def output_topics(self) -> dict[str, str]:
        """What each of the jobs writes."""
        topics = {HASHTAGS: self.output_topic, TICKERS: self.tickers.output_topic}
        return {job: topics[job] for job in self.jobs}

    @property
    def appsync_topics(self) -> tuple[str, ...]:
        """The topics whose records go to AppSync."""
        return tuple(dict.fromkeys(self.appsync.topics)) or tuple(self.output_topics.values())

    def value_format(self, topic: str) -> str:
        """How the values of a topic are encoded: raw, json or avro."""
        if topic == self.output_topic:
            return "avro" if self.output_format == "avro" else "raw"
        return self.schemas.formats.get(topic, "json" if topic in self.price_topics else "raw")

    @property
    def avro_topics(self) -> dict[str, str]:
        """The topics whose values are Avro, and the variable that says so."""
        named = {t: "STREAMS_VALUE_FORMATS" for t, f in self.schemas.formats.items() if f == "avro"}
        return named | (
            {self.output_topic: "STREAMS_OUTPUT_FORMAT"} if self.output_format == "avro" else {}
        )

    @property
    def price_topics(self) -> set[str]:
        """They hold objects, which are JSON at least."""
        if TICKERS not in self.jobs:
            return set()
        return {self.tickers.input_topic, self.tickers.output_topic}

    @property
    def archived_topics(self) -> tuple[str, ...]:
        """The topics whose records are archived."""
        return tuple(dict.fromkeys(self.archive.topics)) or tuple(self.output_topics.values())


def describe(settings: Settings) -> list[Row]:
    """All settings in the order of this file, as a person would write them; secrets masked."""
    parts = (
        settings.kafka,
        settings,
        settings.tickers,
        settings.live,
        settings.queries,
        settings.appsync,
        settings.schemas,
        settings.archive,
        settings.ingest,
        settings.aws_sources,
        settings.mqtt,
        settings.polled,
    )
    return [row for part in parts for row in rows(part)]
