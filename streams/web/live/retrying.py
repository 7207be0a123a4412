"""Follows logs over all failures of the cluster: what fails is said, and tried again."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

import aiokafka.errors as kafka_errors

from streams.errors import TallyError

log = logging.getLogger(__name__)


async def keep_trying(
    follow: Callable[[], Awaitable[None]], what: str, pauses: tuple[float, float]
) -> NoReturn:
    """Call `follow`, which ends by an error only, again and again until cancelled.

    The pause grows from the first to the second of `pauses` (seconds); it is short again after
    what has gone well for longer than that.
    """
    shortest, longest = pauses
    pause = shortest
    while True:
        began = time.monotonic()
        try:
            await follow()
        except (TallyError, kafka_errors.KafkaError, OSError) as exc:
            log.warning("%s: %s; trying again", what, exc)
        except Exception:
            log.exception("%s; trying again", what)
        if time.monotonic() - began > longest:
            pause = shortest
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))
        pause = min(2 * pause, longest)
