"""What an agent's body gets and how it iterates: batches that belong to a task."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from streams.core.columns import Chunk
from streams.core.ports import Headers
from streams.core.selection import Step, Steps
from streams.state.windowed import Closing

if TYPE_CHECKING:
    from streams.tasks.task import Task


class Values:
    """The values of a batch on their way to a key. Steps run once for each distinct value."""

    def __init__(self, batch: "Batch", steps: Steps = (), field: str | None = None) -> None:
        self.batch = batch
        self.steps = steps
        self.field = field

    def filter(self, function: Callable[[str], bool]) -> "Values":
        """Keep the values for which `function` is true. It has to be pure."""
        return Values(self.batch, (*self.steps, Step(function, is_filter=True)), self.field)

    def map(self, function: Callable[[str], str]) -> "Values":
        """Replace each value by `function` of it. It has to be pure."""
        return Values(self.batch, (*self.steps, Step(function, is_filter=False)), self.field)


class Batch:
    """The records of one fetch, or no record at all when a task has something else to do.

    What a body does with a batch is committed in one transaction with the batch's offsets, or not
    at all. A body doesn't await between getting a batch and being done with it.
    """

    def __init__(self, task: "Task", chunk: Chunk, closing: Closing | None = None) -> None:
        self.task = task
        self.chunk = chunk
        self.closing = closing
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __repr__(self) -> str:
        chunk = self.chunk
        return f"<Batch {chunk.tp} [{chunk.from_offset}, {chunk.next_offset})>"

    def text(self, field: str | None = None) -> Values:
        """The records' values as text; null, too long or not UTF-8 makes a dead letter.

        Where values are JSON or Avro, they are strings, or records with the text in `field`; what
        is neither makes a dead letter, too.
        """
        return Values(self, field=field)

    def send(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        timestamp: int,
        headers: Headers = (),
    ) -> None:
        """Write a record in the batch's transaction; `timestamp` in ms since the epoch."""
        self.task.send(topic, key, value, timestamp, headers)

    def after_commit(self, function: Callable[[], None]) -> None:
        """Call `function` once the batch is committed: at most once, for a crash may come first."""
        self.task.after_commit(function)


class Batches:
    """Iterates over batches, and tells each one's task when the body is done with it."""

    def __init__(self, source: AsyncIterator[Any]) -> None:
        # Faust's streams are typed as iterators of anything; what comes is always a batch.
        self._source: AsyncIterator[Batch] = source
        self._current: Batch | None = None

    def __aiter__(self) -> "Batches":
        return self

    async def __anext__(self) -> Batch:
        self._finish(None)
        self._current = batch = await anext(self._source)
        return batch

    def fail(self, exc: Exception) -> bool:
        """Hand the body's error to the task whose batch caused it; False if there is none."""
        if self._current is None:
            return False
        self._finish(exc)
        return True

    def _finish(self, exc: Exception | None) -> None:
        batch, self._current = self._current, None
        if batch is None or batch.finished.done():
            return
        if exc is None:
            batch.finished.set_result(None)
        else:
            batch.finished.set_exception(exc)


Body = Callable[[Batches], Awaitable[None]]


async def run_body(body: Body, source: AsyncIterator[Any]) -> None:
    """Run an agent's body over `source` until that ends.

    An error closes the task whose batch raised it, not the agent: other partitions go on.
    """
    batches = Batches(source)
    while True:
        try:
            await body(batches)
            return
        except Exception as exc:
            if not batches.fail(exc):
                raise
