"""What the ingestion gateway takes in, and how much: the `STREAMS_INGEST_*` variables.

Those of single sources are in the other modules of this package.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streams.ingest.kinds import field_path, topics_of_sources
from streams.setting_fields import setting
from streams.setting_kinds import host, integer, optional, readable_file, seconds

MEBIBYTE = 2**20


@dataclass(frozen=True, kw_only=True)
class IngestSettings:
    """What all sources share, and the HTTP source. Attributes that end in `_ms` are milliseconds.

    Sizes are bytes.
    """

    topics: Mapping[str, tuple[str, ...]] = setting(
        "STREAMS_INGEST_TOPICS",
        topics_of_sources(),
        "",
        "topics by source, as sqs=orders,mqtt=positions; http may have several, joined by a bar",
        shown="{input}, all of them",
    )
    key_field: tuple[str, ...] | None = setting(
        "STREAMS_INGEST_KEY_FIELD",
        optional(field_path()),
        "",
        "field of JSON records that is their key, as user.id, where the source knows no other",
    )
    buffer_bytes: int = setting(
        "STREAMS_INGEST_BUFFER_BYTES",
        integer(MEBIBYTE, 2**34),
        str(32 * MEBIBYTE),
        "memory for records that Kafka hasn't acknowledged; when it is full, sources wait",
    )
    max_record_bytes: int = setting(
        "STREAMS_INGEST_MAX_RECORD_BYTES",
        integer(1, 64 * MEBIBYTE),
        "900000",
        "key and value of a record, within max.message.bytes of its topic; longer: a dead letter",
    )
    host: str = setting(
        "STREAMS_INGEST_HOST", host(), "127.0.0.1", "where HTTP records are accepted"
    )
    port: int = setting(
        "STREAMS_INGEST_PORT", integer(1, 65535), "6067", "where HTTP records are accepted"
    )
    tokens_file: Path | None = setting(
        "STREAMS_INGEST_TOKENS_FILE",
        optional(readable_file()),
        "",
        "file of API tokens, one a line, of which a request needs one; read again when it changes",
    )
    max_body_bytes: int = setting(
        "STREAMS_INGEST_MAX_BODY_BYTES",
        integer(1, 1024 * MEBIBYTE),
        str(8 * MEBIBYTE),
        "body of a request",
    )
    max_batch: int = setting(
        "STREAMS_INGEST_MAX_BATCH", integer(1, 10**6), "10000", "records of a request"
    )
    ack_timeout_ms: int = setting(
        "STREAMS_INGEST_ACK_SECONDS",
        seconds(1, 3600),
        "30",
        "how long requests wait for Kafka's acknowledgement; `/health` fails after as long",
    )
    stop_ms: int = setting(
        "STREAMS_INGEST_STOP_SECONDS",
        seconds(1, 3600),
        "10",
        "how long a stop waits for Kafka to acknowledge what was read",
    )
