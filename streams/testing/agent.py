"""An agent's body, run over the batches that a test driver hands to it."""

import asyncio

from streams.tasks.batch import Batch, Body, run_body


class Agent:
    """Runs `body` as an asyncio task and is the source of its batches."""

    def __init__(self, topic: str, body: Body) -> None:
        self._topic = topic
        self._batches: asyncio.Queue[Batch] = asyncio.Queue()
        self._task = asyncio.create_task(run_body(body, self))

    def __aiter__(self) -> "Agent":
        return self

    async def __anext__(self) -> Batch:
        return await self._batches.get()

    async def process(self, batch: Batch) -> None:
        """Hand over a batch and wait until the body is done with it; raises the body's error."""
        self._batches.put_nowait(batch)
        await asyncio.wait({batch.finished, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not batch.finished.done():
            self._task.result()
            raise AssertionError(f"the agent of {self._topic} ended before its batches did")
        batch.finished.result()

    async def stop(self) -> None:
        """Make an end of the body."""
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.exception()  # whoever waited for it was told
