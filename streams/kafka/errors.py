"""aiokafka's errors in our own words: what a task does about each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiokafka.errors as kafka_errors

from streams.errors import ClusterAccessError, FencedError, TallyError, TransactionError
from streams.kafka.group_offsets import MEMBERSHIP_LOST

_DENIED = (
    kafka_errors.TopicAuthorizationFailedError,
    kafka_errors.GroupAuthorizationFailedError,
    kafka_errors.TransactionalIdAuthorizationFailed,
    kafka_errors.ClusterAuthorizationFailedError,
)
_FENCED = (kafka_errors.ProducerFenced, kafka_errors.InvalidProducerEpoch, *MEMBERSHIP_LOST)


@asynccontextmanager
async def translated(doing: str, seconds: float) -> AsyncIterator[None]:
    """Turn what goes wrong inside into a TallyError, and wait for it no longer than `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TallyError:
        raise
    except _FENCED as exc:
        raise FencedError(f"{doing}: {exc!r}") from exc
    except _DENIED as exc:
        raise ClusterAccessError(
            f"{doing}: Kafka denies access ({exc!r})", "Have the user's ACLs extended"
        ) from exc
    except TimeoutError as exc:
        raise TransactionError(f"{doing}: no answer within {seconds:g} s") from exc
    # aiokafka's transaction manager asserts its transitions, and a stale one raises.
    except (kafka_errors.KafkaError, OSError, AssertionError, AttributeError) as exc:
        raise TransactionError(f"{doing}: {exc!r}") from exc
