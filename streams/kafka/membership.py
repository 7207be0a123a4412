"""Hook: who we are in the consumer group, and whether the group still agrees.

Written for aiokafka 0.14.0. What is used of its inside: `AIOKafkaConsumer._coordinator`, and of
that `generation`, `member_id`, `_group_instance_id`, `_do_heartbeat` and `_rejoin_needed_fut`. Has
to run in the event loop of the consumer.
"""

from typing import Any

from aiokafka import AIOKafkaConsumer

from streams.core.ports import Member


def current_member(consumer: AIOKafkaConsumer) -> Member:
    """Our place in the group now; meaningless once the coordinator has expelled us."""
    coordinator: Any = consumer._coordinator
    return Member(
        consumer._group_id,
        coordinator.generation,
        coordinator.member_id,
        coordinator._group_instance_id,
    )


async def confirm(consumer: AIOKafkaConsumer, member: Member) -> bool:
    """Whether the group still knows `member` in its generation, asked by a heartbeat.

    A process that slept through its session doesn't know that its partitions are another's; were
    it to initialise their transactional ids before asking, it would fence the rightful owner.
    """
    if current_member(consumer) != member:
        return False
    coordinator: Any = consumer._coordinator
    alive = await coordinator._do_heartbeat()
    return bool(alive) and current_member(consumer) == member


async def holds(consumer: AIOKafkaConsumer, member: Member) -> bool:
    """The same, and no rebalance has begun.

    So nobody else can be given this member's partitions before a session timeout has passed since
    the call: a rebalance that begins later waits for us at least as long.
    """
    if not await confirm(consumer, member):
        return False
    coordinator: Any = consumer._coordinator
    return not coordinator._rejoin_needed_fut.done()
