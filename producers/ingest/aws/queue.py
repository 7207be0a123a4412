"""Messages of an SQS queue: each deleted when all that came of it is acknowledged by Kafka.

While a message is worked on it stays invisible to others; what isn't deleted comes again, and after
the queue's `maxReceiveCount` goes where its redrive policy says.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from producers.ingest.aws.calls import Calls
from streams.errors import IngestError, SourceError

log = logging.getLogger(__name__)

#: Seconds that a receive waits for messages: short, for a stop has to wait for it too.
POLL_SECONDS = 5
#: Messages of a receive; SQS gives no more.
MESSAGES = 10
#: Seconds of invisibility, made longer at half of them.
INVISIBLE_SECONDS = 30

Message = dict[str, Any]
#: Publishes what a message stands for, and returns when Kafka has acknowledged it.
Handle = Callable[[Message], Awaitable[None]]


class Queue:
    """Reads with several receives at a time."""

    def __init__(self, url: str, readers: int) -> None:
        self._url = url
        self._readers = readers
        # One more for what keeps messages invisible.
        self._sqs = Calls("sqs", readers + 1)
        self._stopping = False

    async def run(self, handle: Handle) -> None:
        """Until cancelled; raises SourceError when the queue can't be read.

        Either way the messages that are here already are worked on to their end, unless it is
        cancelled then.
        """
        self._stopping = False
        readers = [asyncio.create_task(self._read(handle)) for _ in range(self._readers)]
        try:
            await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping = True
            try:
                await asyncio.wait(readers)
            finally:
                for reader in readers:
                    reader.cancel()
                await asyncio.gather(*readers, return_exceptions=True)
        for reader in readers:
            reader.result()

    async def _read(self, handle: Handle) -> None:
        while not self._stopping:
            answer = await self._sqs.call(
                "receive_message",
                QueueUrl=self._url,
                MaxNumberOfMessages=MESSAGES,
                WaitTimeSeconds=POLL_SECONDS,
                VisibilityTimeout=INVISIBLE_SECONDS,
            )
            if messages := answer.get("Messages", []):
                await self._work(messages, handle)

    async def _work(self, messages: Sequence[Message], handle: Handle) -> None:
        keeping = asyncio.create_task(self._keep_invisible(messages))
        try:
            results = await asyncio.gather(*map(handle, messages), return_exceptions=True)
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
        done = []
        for message, problem in zip(messages, results, strict=True):
            if problem is None:
                done.append(message)
            elif isinstance(problem, IngestError):
                log.error("Message %s stays in the queue: %s", message["MessageId"], problem)
            else:
                raise problem
        if done:
            await self._delete(done)
        # The trouble of whatever else is asked: a pause before more is read.
        for problem in results:
            if isinstance(problem, SourceError):
                raise problem

    async def _delete(self, messages: Sequence[Message]) -> None:
        answer = await self._sqs.call(
            "delete_message_batch", QueueUrl=self._url, Entries=_entries(messages)
        )
        for failed in answer.get("Failed", []):
            # It comes again, with the same id.
            log.warning("A message couldn't be deleted: %s", failed.get("Message"))

    async def _keep_invisible(self, messages: Sequence[Message]) -> None:
        entries = _entries(messages, VisibilityTimeout=INVISIBLE_SECONDS)
        while True:
            await asyncio.sleep(INVISIBLE_SECONDS / 2)
            with contextlib.suppress(SourceError):
                await self._sqs.call(
                    "change_message_visibility_batch", QueueUrl=self._url, Entries=entries
                )


def _entries(messages: Sequence[Message], **more: Any) -> list[dict[str, Any]]:
    """How SQS wants several messages named."""
    return [
        {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"], **more}
        for n, message in enumerate(messages)
    ]
