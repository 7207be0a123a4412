"""Records that came by an HTTP request: published before it is answered."""

import asyncio
from collections.abc import Sequence

from producers.ingest.outlet import Outlet
from producers.ingest.record import Position, Record
from streams.errors import (
    BufferFullError,
    ForbiddenError,
    TooLargeError,
    UnavailableError,
    UndeliveredError,
)


async def accept(outlet: Outlet, records: Sequence[Record], seconds: float) -> list[Position]:
    """Where the records are, once Kafka has them.

    Raises TooLargeError for a long one, UnavailableError if there is no room or Kafka doesn't
    acknowledge within `seconds`, ForbiddenError if it refuses them.
    """
    try:
        delivery = outlet.offer(records)
    except UndeliveredError as exc:
        raise TooLargeError(exc.happened, exc.remedy) from exc
    except BufferFullError as exc:
        raise UnavailableError(exc.happened, exc.remedy) from exc
    try:
        async with asyncio.timeout(seconds):
            return await delivery.acknowledged()
    except TimeoutError:
        raise UnavailableError(
            f"Kafka hasn't acknowledged the records within {seconds:g} s; it may yet do so",
            "Send them again as what they were, so that repeats can be told",
        ) from None
    except UndeliveredError as exc:
        raise ForbiddenError(f"Kafka refuses the records: {exc.happened}") from exc
