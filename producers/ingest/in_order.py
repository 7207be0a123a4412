"""Acknowledging to a source in the order in which it gave its batches.

Checkpoints need that, and MQTT asks for it. Kafka works on many batches meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from producers.ingest.batch import Delivery
from producers.ingest.outlet import Outlet
from producers.ingest.record import Record
from streams.errors import IngestError

#: Batches that may wait for their acknowledgement.
AHEAD = 256

Acknowledge = Callable[[], Awaitable[None]]
#: Publishes some records, perhaps none, and acknowledges them later; waits while there is no room.
Put = Callable[[Sequence[Record], Acknowledge], Awaitable[None]]


@asynccontextmanager
async def in_order(outlet: Outlet) -> AsyncIterator[Put]:
    """Its end waits until all is acknowledged, also if it comes by an IngestError or by a
    cancellation; another cancellation ends that, too.

    Raises what publishing or acknowledging raises; nothing after that is acknowledged.
    """
    queue: asyncio.Queue[tuple[Delivery | None, Acknowledge] | None] = asyncio.Queue(AHEAD)

    async def put(records: Sequence[Record], acknowledge: Acknowledge) -> None:
        delivery = await outlet.publish(records) if records else None
        await queue.put((delivery, acknowledge))

    async def confirm() -> None:
        while (item := await queue.get()) is not None:
            delivery, acknowledge = item
            if delivery is not None:
                await delivery.acknowledged()
            await acknowledge()

    async def finish(confirming: asyncio.Task[None]) -> None:
        await queue.put(None)
        await asyncio.wait({confirming})

    try:
        async with asyncio.TaskGroup() as group:
            confirming = group.create_task(confirm())
            try:
                yield put
                await finish(confirming)
            except (asyncio.CancelledError, IngestError):
                # If it was confirm() that has failed, nothing is left to do.
                if not confirming.done():
                    await finish(confirming)
                raise
    except BaseExceptionGroup as exc:
        raise exc.exceptions[0] from None


async def nothing() -> None:
    """For those who get no acknowledgement by the batch."""
