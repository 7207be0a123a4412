"""How far the running application is behind what was compared."""

from collections.abc import Sequence

import aiokafka.errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition

from streams.settings import Settings


async def records_behind(settings: Settings, topic: str, positions: Sequence[int]) -> int | None:
    """How many records of the input `topic` below `positions` the application has not committed.

    None if it has committed nothing, or we may not ask: then whoever wrote the finals is unknown.
    """
    wanted = {TopicPartition(topic, p): at for p, at in enumerate(positions)}
    admin = AIOKafkaAdminClient(**settings.kafka.client_options())
    try:
        await admin.start()
        committed = await admin.list_consumer_group_offsets(settings.app_id)
    except kafka_errors.KafkaError:
        return None
    finally:
        await admin.close()
    known = {tp: committed[tp].offset for tp in wanted if tp in committed}
    if not known:
        return None
    return sum(max(0, wanted[tp] - offset) for tp, offset in known.items())
