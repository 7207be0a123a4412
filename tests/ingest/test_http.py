"""Records over HTTP, to a real gateway and a real broker."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application import Kafka
from tests.ingest.ingester import NDJSON, TOKEN, Ingester, identities
from tests.polling import until

MAX_BODY = 100_000
NEXT_TOKEN = "another-token-of-tests"


@pytest.fixture(scope="module")
def gateway(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingester]:
    """One for all tests of this file; each uses records of its own."""
    folder = tmp_path_factory.mktemp("http")
    variables = {
        "STREAMS_INGEST_MAX_BODY_BYTES": str(MAX_BODY),
        "STREAMS_INGEST_MAX_RECORD_BYTES": "50000",
        "STREAMS_INGEST_MAX_BATCH": "100",
    }
    with Ingester(kafka, f"http-{folder.name}", folder, "http", **variables) as found:
        yield found.until_serving()


def found_at(gateway: Ingester, answer: dict[str, object]) -> list[tuple[bytes | None, object]]:
    """Keys and values at the offsets that an answer names."""
    assert answer["topic"] == gateway.topic
    by_place = {(r.partition, r.offset): r for r in gateway.records()}
    offsets = answer["offsets"]
    assert isinstance(offsets, list)
    found = [by_place[at["partition"], at["offset"]] for at in offsets]
    return [(record.key, json.loads(record.value or b"null")) for record in found]


def test_an_object(gateway: Ingester) -> None:
    status, answer = gateway.post(b' {"a": 1,  "b": "\xc3\xa4"}\n')
    assert status == 202, answer
    assert found_at(gateway, answer) == [(None, {"a": 1, "b": "ä"})]


def test_an_array_with_keys_from_a_field(gateway: Ingester) -> None:
    items = [{"user": {"id": n}, "n": n} for n in range(30)]
    status, answer = gateway.post(items, "?key_field=user.id")
    assert status == 202, answer
    assert found_at(gateway, answer) == [(b"%d" % n, items[n]) for n in range(30)]


def test_lines_with_one_key_and_an_identity(gateway: Ingester) -> None:
    status, answer = gateway.post(
        b'{"x":1}\n\n{"x":2}\r\n', "?key=k%20y", NDJSON, Idempotency_Key="once"
    )
    assert status == 202, answer
    assert found_at(gateway, answer) == [(b"k y", {"x": 1}), (b"k y", {"x": 2})]
    assert {"once:0", "once:1"} <= set(identities(gateway.records()))


def test_a_key_in_a_header(gateway: Ingester) -> None:
    status, answer = gateway.post({"x": 3}, X_Record_Key="abc")
    assert status == 202, answer
    assert found_at(gateway, answer) == [(b"abc", {"x": 3})]


@pytest.mark.parametrize(
    ("body", "query", "kind", "status", "why"),
    [
        (b"{", "", "application/json", 400, "isn't JSON"),
        (b'{"a": NaN}', "", "application/json", 400, "NaN"),
        (b'"\xff"', "", "application/json", 400, "UTF-8"),
        (b"3", "", "application/json", 400, "neither"),
        (b"[]", "", "application/json", 400, "no record"),
        (b'{"a":1}\n{"a"}', "", NDJSON, 400, "Line 2"),
        (b'[{"id":1},{}]', "?key_field=id", "application/json", 400, "Record 1"),
        (b'{"id":1}', "?key_field=id&key=a", "application/json", 400, "contradict"),
        (b"a=b", "", "application/x-www-form-urlencoded", 415, "application/json"),
        (b"[" + b"1," * 100 + b"1]", "", "application/json", 413, "101 records"),
        (b'"' + b"x" * 60_000 + b'"', "", NDJSON, 413, "50,000"),
        (b" " * (MAX_BODY + 1), "", "application/json", 413, "100,000"),
        (b"[" * 50_000, "", "application/json", 400, "isn't JSON"),
    ],
)
def test_what_is_refused_and_why(
    gateway: Ingester, body: bytes, query: str, kind: str, status: int, why: str
) -> None:
    before = len(gateway.records())
    found, answer = gateway.post(body, query, kind)
    assert (found, why in answer["detail"]) == (status, True), answer
    assert len(gateway.records()) == before


def test_a_topic_that_is_not_offered(gateway: Ingester) -> None:
    status, answer, _ = gateway.ask("/topics/other", b"{}", {"Content-Type": "application/json"})
    assert status == 404
    assert "'other'" in answer["detail"]


def test_tokens(kafka: Kafka, topic: str, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# of tests\n{TOKEN}\n")
    variables = {"STREAMS_INGEST_TOKENS_FILE": str(file)}
    with Ingester(kafka, topic, tmp_path, "http", **variables) as gateway:
        gateway.until_serving()
        assert gateway.post({"n": 1})[0] == 401
        assert gateway.post({"n": 1}, Authorization="Bearer another-token-0123")[0] == 401
        assert gateway.post({"n": 2}, Authorization=f"Bearer {TOKEN}")[0] == 202
        assert [record.value for record in gateway.records()] == [b'{"n": 2}']
        file.write_text(f"{NEXT_TOKEN}\n")

        def follows() -> bool:
            return gateway.post({"n": 3}, Authorization=f"Bearer {NEXT_TOKEN}")[0] == 202

        until(follows, "the new token is good", 100, gateway.tail)
        assert gateway.post({"n": 4}, Authorization=f"Bearer {TOKEN}")[0] == 401
        assert gateway.stop() == 0, gateway.tail()
        assert TOKEN not in gateway.said()
        assert NEXT_TOKEN not in gateway.said()
