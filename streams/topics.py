"""Topics that have to exist before anything starts: found, made, or missed by name."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.access import CONNECT_TIMEOUT_MS, check_access, explain
from streams.errors import ClusterAccessError, MissingTopicError
from streams.settings import Settings

#: Records bear the time of what they tell of: when that is long ago, brokers would delete them as
#: soon as they come in.
_KEPT = {"retention.ms": "-1"}


async def ensure_topics(
    settings: Settings, names: Sequence[str], configs: Mapping[str, str] | None = None
) -> None:
    """Create those topics `names` that are missing, if the settings let us.

    They keep their records until somebody sets `retention.ms`, whoever creates them: so it makes no
    difference who comes first. `configs` is what else they are to have.
    Raises MissingTopicError if the settings forbid it, ClusterAccessError if the cluster does.
    """
    present = await check_access(settings.kafka, names)
    missing = [name for name in dict.fromkeys(names) if name not in present]
    if not missing:
        return
    if not settings.create_topics:
        listed = ", ".join(repr(name) for name in missing)
        raise MissingTopicError(f"No topic {listed}")
    try:
        await _create(settings, missing, {**_KEPT, **(configs or {})})
    except (OSError, kafka_errors.KafkaError) as exc:
        raise explain(exc, settings.kafka) from exc


async def _create(settings: Settings, names: list[str], configs: Mapping[str, str]) -> None:
    admin = AIOKafkaAdminClient(
        request_timeout_ms=CONNECT_TIMEOUT_MS, **settings.kafka.client_options()
    )
    try:
        await admin.start()
        response: Any = await admin.create_topics(
            [
                NewTopic(name, settings.partitions, settings.replication, topic_configs=configs)
                for name in names
            ]
        )
    finally:
        await admin.close()
    for name, code, message in response.topic_errors:
        error = kafka_errors.for_code(code)
        # Another process that starts at the same time may have been quicker.
        if error in (kafka_errors.NoError, kafka_errors.TopicAlreadyExistsError):
            continue
        if error is kafka_errors.TopicAuthorizationFailedError:
            raise error(name)
        raise ClusterAccessError(f"Topic {name!r} can't be created: {message or error.__name__}")
