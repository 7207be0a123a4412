"""Sources at AWS: the `STREAMS_INGEST_SQS_*`, `_S3_*`, `_SNS_*`, … variables.

Credentials and region are found as all AWS clients do.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from streams.setting_fields import setting
from streams.setting_kinds import Kind, boolean, choice, integer, optional, several, text

_SNS_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}")


def queue_url() -> Kind[str]:
    """The URL of an SQS queue."""

    def parse(raw: str) -> str:
        url = urlsplit(raw)
        if url.scheme not in {"http", "https"} or not url.hostname or url.username is not None:
            raise ValueError("not a queue's URL")
        return raw

    return Kind(parse, "the URL of an SQS queue")


def sns_arn() -> Kind[str]:
    """The ARN of an SNS topic."""

    def parse(raw: str) -> str:
        if not _SNS_ARN.fullmatch(raw):
            raise ValueError(f"{raw!r} isn't the ARN of an SNS topic")
        return raw

    return Kind(parse, "arn:aws:sns:REGION:ACCOUNT:TOPIC")


@dataclass(frozen=True, kw_only=True)
class AwsSourceSettings:
    """What is read at AWS."""

    sqs_queue: str | None = setting(
        "STREAMS_INGEST_SQS_QUEUE", optional(queue_url()), "", "sqs: URL of the queue"
    )
    sqs_from_sns: bool = setting(
        "STREAMS_INGEST_SQS_FROM_SNS",
        boolean(),
        "false",
        "sqs: bodies are SNS notifications, and their messages the records",
    )
    readers: int = setting(
        "STREAMS_INGEST_SQS_READERS",
        integer(1, 64),
        "8",
        "sqs, s3: receives of ten messages at a time",
    )
    s3_queue: str | None = setting(
        "STREAMS_INGEST_S3_QUEUE",
        optional(queue_url()),
        "",
        "s3: URL of the queue with the bucket's events (object created)",
    )
    sns_topics: tuple[str, ...] = setting(
        "STREAMS_INGEST_SNS_TOPICS",
        several(sns_arn()),
        "",
        "sns: ARNs of the topics that may send to `/sns`",
    )
    kinesis_stream: str | None = setting(
        "STREAMS_INGEST_KINESIS_STREAM", optional(text()), "", "kinesis: name of the stream"
    )
    dynamodb_table: str | None = setting(
        "STREAMS_INGEST_DYNAMODB_TABLE",
        optional(text()),
        "",
        "dynamodb: table whose stream is read",
    )
    start_at: str = setting(
        "STREAMS_INGEST_SHARDS_FROM",
        choice("oldest", "newest"),
        "oldest",
        "kinesis, dynamodb: where to begin without a checkpoint",
    )
