"""Objects created in an S3 bucket: each line becomes a record; `.gz` is unpacked.

The bucket's events come through an SQS queue, straight or by way of SNS. An event's message is
deleted when all lines are acknowledged; after a crash the object's lines come again, each with the
same `ingest-id`: bucket/key@version:line.
"""

import asyncio
import gzip
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, cast
from urllib.parse import unquote_plus

from producers.ingest.aws.calls import AwsError, Calls
from producers.ingest.aws.queue import Message, Queue
from producers.ingest.gateway import Gateway
from producers.ingest.in_order import in_order
from streams.errors import SettingError, UndeliveredError

#: Lines that are published together.
LINES = 500


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
        version = {} if created.version is None else {"VersionId": created.version}
        try:
            # The event's content, and not what has taken its place since.
            answer = await self._s3.call(
                "get_object",
                Bucket=created.bucket,
                Key=created.key,
                **(version or ({"IfMatch": f'"{created.etag}"'} if created.etag else {})),
            )
        except AwsError as exc:
            if exc.code in {"NoSuchKey", "NoSuchVersion", "PreconditionFailed"}:
                raise UndeliveredError(f"{created.identity} is there no more") from exc
            raise
        lines = lines_of(answer["Body"], created.key, self._max_bytes)
        async with in_order(self._gateway.outlet) as put:
            at = 0
            while some := await self._s3.run(lambda: _next(lines)):
                records = [
                    self._gateway.record("s3", line, identity=f"{created.identity}:{at + n}")
                    for n, line in enumerate(some)
                    if line.strip()
                ]
                at += len(some)
                await put(records, _nothing)


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
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UndeliveredError("It is no event of S3") from None


def _object_of(found: dict[str, Any]) -> Object:
    described = found["object"]
    return Object(
        found["bucket"]["name"],
        unquote_plus(described["key"]),
        described.get("versionId"),
        described.get("eTag", "").strip('"'),
    )


def lines_of(body: BinaryIO, key: str, max_bytes: int) -> Iterator[bytes]:
    """Lines without their ends; raises UndeliveredError for one that is too long, or bad gzip."""
    stream = cast(BinaryIO, gzip.GzipFile(fileobj=body)) if key.endswith(".gz") else body
    rest = b""
    try:
        while chunk := stream.read(256 * 1024):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > max_bytes:
                raise UndeliveredError(f"{key} has a line of more than {max_bytes:,} bytes")
            yield from (line.rstrip(b"\r") for line in lines)
    except (gzip.BadGzipFile, EOFError) as exc:
        raise UndeliveredError(f"{key} isn't gzip: {exc}") from exc
    if rest:
        yield rest.rstrip(b"\r")


def _next(lines: Iterator[bytes]) -> list[bytes]:
    return [line for _, line in zip(range(LINES), lines, strict=False)]


async def _nothing() -> None:
    """The message is deleted at the end."""
