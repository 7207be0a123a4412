"""Acknowledging to a source in the order in which it gave its batches.

Checkpoints need that, and MQTT asks for it. Kafka works on many batches meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from producers.ingest.batch import Delivery
from producers.ingest.outlet import Outlet
from producers.ingest.record import Record

#: Batches that may wait for their acknowledgement.
AHEAD = 256

Acknowledge = Callable[[], Awaitable[None]]
#: Publishes some records, perhaps none, and acknowledges them later; waits while there is no room.
Put = Callable[[Sequence[Record], Acknowledge], Awaitable[None]]


@asynccontextmanager
async def in_order(outlet: Outlet) -> AsyncIterator[Put]:
    """Its end waits until all is acknowledged.

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

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(confirm())
            yield put
            await queue.put(None)
    except BaseExceptionGroup as exc:
        raise exc.exceptions[0] from None
