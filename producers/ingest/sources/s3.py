"""Objects created in an S3 bucket: each line becomes a record; `.gz` is unpacked.

The bucket's events come through an SQS queue, straight or by way of SNS. An event's message is
deleted when all lines are acknowledged; after a crash the object's lines come again, each with the
same `ingest-id`: bucket/key@version:line.
"""

import asyncio
import gzip
import json
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, NamedTuple, cast
from urllib.parse import unquote_plus

from producers.ingest.aws.calls import AwsError, Calls
from producers.ingest.aws.queue import Message, Queue
from producers.ingest.gateway import Gateway
from producers.ingest.in_order import in_order, nothing
from producers.ingest.lines import Lines, LongLineError
from streams.errors import SettingError, UndeliveredError

#: Lines that are published together.
LINES = 500
#: Bytes of a read.
CHUNK_BYTES = 256 * 1024


def source(gateway: Gateway) -> "S3":
    """See `Source`."""
    return S3(gateway)


class Object(NamedTuple):
    """One object as an event names it."""

    bucket: str
    key: str
    version: str | None
    etag: str

    @property
    def identity(self) -> str:
        """Says which object it was, even if another one takes its place."""
        return f"{self.bucket}/{self.key}@{self.version or self.etag}"


class S3:
    """See the module."""

    def __init__(self, gateway: Gateway) -> None:
        settings = gateway.settings.aws_sources
        if settings.s3_queue is None:
            raise SettingError("STREAMS_INGEST_S3_QUEUE", "is needed for the source s3")
        self._gateway = gateway
        self._max_bytes = gateway.settings.ingest.max_record_bytes
        self._queue = Queue(settings.s3_queue, settings.readers)
        # Each reader has ten messages at most; objects are read by some at a time.
        self._s3 = Calls("s3", settings.readers)
        self._reading = asyncio.Semaphore(settings.readers)

    async def run(self) -> None:
        await self._queue.run(self._publish)

    async def _publish(self, message: Message) -> None:
        for created in objects_of(message["Body"]):
            async with self._reading:
                await self._publish_lines(created)

    async def _publish_lines(self, created: Object) -> None:
        body = await self._opened(created)
        lines = lines_of(body, created.key, self._max_bytes)
        at = 0
        try:
            async with in_order(self._gateway.outlet) as put:
                while some := await self._s3.run(lambda: list(islice(lines, LINES))):
                    records = [
                        self._gateway.record("s3", line, identity=f"{created.identity}:{at + n}")
                        for n, line in enumerate(some)
                        if line.strip()
                    ]
                    at += len(some)
                    await put(records, nothing)
        finally:
            body.close()

    async def _opened(self, created: Object) -> BinaryIO:
        """The content that the event tells of, and not what has taken its place since."""
        which = {}
        if created.version is not None:
            which = {"VersionId": created.version}
        elif created.etag:
            which = {"IfMatch": f'"{created.etag}"'}
        try:
            answer = await self._s3.call(
                "get_object", Bucket=created.bucket, Key=created.key, **which
            )
        except AwsError as exc:
            if exc.code in {"NoSuchKey", "NoSuchVersion", "PreconditionFailed"}:
                raise UndeliveredError(f"{created.identity} is there no more") from exc
            raise
        return cast(BinaryIO, answer["Body"])


def objects_of(body: str) -> list[Object]:
    """The created objects that an event names; raises UndeliveredError if it is no event of S3."""
    try:
        event: Any = json.loads(body)
        if event.get("Type") == "Notification":
            event = json.loads(event["Message"])
        if event.get("Event") == "s3:TestEvent":
            return []
        return [
            _object_of(record["s3"])
            for record in event["Records"]
            if record["eventName"].removeprefix("s3:").startswith("ObjectCreated:")
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise UndeliveredError("It is no event of S3") from None


def _object_of(found: dict[str, Any]) -> Object:
    described = found["object"]
    key = unquote_plus(described["key"])
    key.encode()  # raises if it can't be a key's name
    return Object(
        found["bucket"]["name"],
        key,
        described.get("versionId"),
        described.get("eTag", "").strip('"'),
    )


def lines_of(body: BinaryIO, key: str, max_bytes: int) -> Iterator[bytes]:
    """Lines without their ends; raises UndeliveredError for one that is too long, or bad gzip."""
    stream = cast(BinaryIO, gzip.GzipFile(fileobj=body)) if key.endswith(".gz") else body
    lines = Lines(max_bytes)
    try:
        while chunk := stream.read(CHUNK_BYTES):
            yield from lines.feed(chunk)
    except LongLineError as exc:
        raise UndeliveredError(f"{key}: {exc}") from exc
    except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
        raise UndeliveredError(f"{key} isn't gzip: {exc}") from exc
    yield from lines.end()
