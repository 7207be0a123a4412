"""`… | tally ingest stdin`."""

import asyncio

from tests.application import Kafka
from tests.ingest.ingester import piped
from tests.reading import read_all


async def test_lines(kafka: Kafka, topic: str) -> None:
    lines = [b'{"id": "k%d", "n": %d}' % (n % 7, n) for n in range(20_000)]
    code, said = await asyncio.to_thread(
        piped, kafka, topic, b"\n".join(lines), STREAMS_INGEST_KEY_FIELD="id"
    )
    assert code == 0, said
    found = [r for part in await read_all(kafka.client_options(), topic) for r in part]
    assert sorted(r.value or b"" for r in found) == sorted(lines)
    by_key = [r for r in found if r.key == b"k3"]
    assert [r.value for r in by_key] == lines[3::7]


async def test_a_line_that_is_too_long(kafka: Kafka, topic: str) -> None:
    code, said = await asyncio.to_thread(
        piped, kafka, topic, b"short\n" + b"x" * 5000, STREAMS_INGEST_MAX_RECORD_BYTES="1000"
    )
    assert code == 1
    assert "STREAMS_INGEST_MAX_RECORD_BYTES" in said
