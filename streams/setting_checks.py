"""Which settings contradict each other: each is refused by its variable's name."""

from typing import TYPE_CHECKING

from streams.errors import SettingError
from streams.jobs.names import HASHTAGS, TICKERS
from streams.setting_kinds import TOPIC_LENGTH

if TYPE_CHECKING:
    from streams.settings import Settings


def check(settings: "Settings") -> None:
    """Raise SettingError for the first contradiction."""
    _check_topics(settings)
    _check_delivered(settings)
    _check_formats(settings)
    _check_archived(settings)
    _check_timeouts(settings)


def _check_topics(settings: "Settings") -> None:
    if len(settings.dead_letter_topic) > TOPIC_LENGTH:
        problem = "is needed, since the input topic's name is too long to derive it from"
        raise SettingError("STREAMS_DEAD_LETTER_TOPIC", problem)
    owners: dict[str, str] = {}
    for variable, topic in {
        "STREAMS_INPUT_TOPIC": settings.input_topics.get(HASHTAGS),
        "STREAMS_OUTPUT_TOPIC": settings.output_topics.get(HASHTAGS),
        "STREAMS_TICKER_INPUT_TOPIC": settings.input_topics.get(TICKERS),
        "STREAMS_TICKER_OUTPUT_TOPIC": settings.output_topics.get(TICKERS),
        "STREAMS_DEAD_LETTER_TOPIC": settings.dead_letter_topic,
        "STREAMS_LATE_TOPIC": settings.late_topic,
    }.items():
        if topic is None:
            continue
        # Brokers take names that differ only in "." and "_" for a collision.
        owner = owners.setdefault(topic.replace(".", "_"), variable)
        if owner != variable:
            raise SettingError(variable, f"{topic!r} is also {owner}", "a topic of its own")


def _check_formats(settings: "Settings") -> None:
    formats = settings.schemas.formats
    if settings.output_topic in formats:
        problem = f"{settings.output_topic} is the output topic: STREAMS_OUTPUT_FORMAT says its own"
        raise SettingError("STREAMS_VALUE_FORMATS", problem, "other topics")
    for topic in settings.price_topics:
        if formats.get(topic) == "raw":
            problem = f"{topic} holds prices, which are no raw strings"
            raise SettingError("STREAMS_VALUE_FORMATS", problem, "json, avro")
    settings.schemas.check_avro(settings.avro_topics)


def _check_delivered(settings: "Settings") -> None:
    if settings.appsync.url is None:
        return
    for variable, topic in {
        "STREAMS_INPUT_TOPIC": settings.input_topics.get(HASHTAGS),
        "STREAMS_TICKER_INPUT_TOPIC": settings.input_topics.get(TICKERS),
        "STREAMS_DEAD_LETTER_TOPIC": settings.dead_letter_topic,
        "STREAMS_LATE_TOPIC": settings.late_topic,
    }.items():
        if topic in settings.appsync_topics:
            problem = f"{topic!r} is {variable}"
            raise SettingError("STREAMS_APPSYNC_TOPICS", problem, "topics that hold results")
    if settings.output_format == "long" and settings.output_topic in settings.appsync_topics:
        problem = "long can't be delivered to STREAMS_APPSYNC_URL"
        raise SettingError("STREAMS_OUTPUT_FORMAT", problem, "json, avro")


def _check_archived(settings: "Settings") -> None:
    if settings.archive.url is not None and settings.dead_letter_topic in settings.archived_topics:
        # What can't be archived would come back to be archived, for ever.
        problem = f"{settings.dead_letter_topic!r} is STREAMS_DEAD_LETTER_TOPIC"
        raise SettingError("STREAMS_ARCHIVE_TOPICS", problem, "other topics")


def _check_timeouts(settings: "Settings") -> None:
    checks = (
        (
            settings.heartbeat_interval_ms * 2 < settings.session_timeout_ms,
            "STREAMS_HEARTBEAT_INTERVAL_MS",
            settings.heartbeat_interval_ms,
            f"below half of STREAMS_SESSION_TIMEOUT_MS ({settings.session_timeout_ms})",
        ),
        (
            settings.session_timeout_ms < settings.rebalance_timeout_ms,
            "STREAMS_SESSION_TIMEOUT_MS",
            settings.session_timeout_ms,
            f"below STREAMS_REBALANCE_TIMEOUT_MS ({settings.rebalance_timeout_ms})",
        ),
        (
            settings.commit_interval_ms < settings.transaction_timeout_ms,
            "STREAMS_COMMIT_INTERVAL_MS",
            settings.commit_interval_ms,
            f"below STREAMS_TRANSACTION_TIMEOUT_MS ({settings.transaction_timeout_ms})",
        ),
        (
            settings.quiet_commit_interval_ms < settings.transaction_timeout_ms,
            "STREAMS_QUIET_COMMIT_INTERVAL_MS",
            settings.quiet_commit_interval_ms,
            f"below STREAMS_TRANSACTION_TIMEOUT_MS ({settings.transaction_timeout_ms})",
        ),
    )
    for holds, variable, value, allowed in checks:
        if not holds:
            raise SettingError(variable, f"{value} is too long", allowed)
