"""Messages of an SQS queue: their bodies are the records, their ids the records' identities.

SQS delivers at least once, and again what was received before a crash: `ingest-id` is the
message's id, or that of the SNS notification in it.
"""

from producers.ingest.aws.notification import unwrapped
from producers.ingest.aws.queue import Message, Queue
from producers.ingest.gateway import Gateway
from streams.errors import SettingError


def source(gateway: Gateway) -> "Sqs":
    """See `Source`."""
    return Sqs(gateway)


class Sqs:
    """See the module."""

    def __init__(self, gateway: Gateway) -> None:
        settings = gateway.settings.aws_sources
        if settings.sqs_queue is None:
            raise SettingError("STREAMS_INGEST_SQS_QUEUE", "is needed for the source sqs")
        self._gateway = gateway
        self._from_sns = settings.sqs_from_sns
        self._queue = Queue(settings.sqs_queue, settings.readers)

    async def run(self) -> None:
        await self._queue.run(self._publish)

    async def _publish(self, message: Message) -> None:
        value, identity = message["Body"].encode(), message["MessageId"]
        if self._from_sns:
            value, identity = unwrapped(message["Body"])
        record = self._gateway.record("sqs", value, identity=identity)
        await (await self._gateway.outlet.publish([record])).acknowledged()
