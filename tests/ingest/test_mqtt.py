"""MQTT messages from a real broker, in both versions of the protocol."""

from pathlib import Path

import pytest

from producers.ingest.record import REASON_HEADER
from tests.application import Kafka
from tests.ingest.conftest import Mosquitto
from tests.ingest.ingester import SECONDS, Ingester
from tests.ingest.mqtt_publisher import publish
from tests.polling import until

COUNT = 300


def variables(peer: Mosquitto, topic: str, version: str = "5") -> dict[str, str]:
    """Settings of a source of this test's own."""
    return {
        "STREAMS_INGEST_MQTT_URL": peer.url,
        "STREAMS_INGEST_MQTT_VERSION": version,
        "STREAMS_INGEST_MQTT_FILTERS": f"{topic}/+/position",
        "STREAMS_INGEST_MQTT_CLIENT_ID": topic[-30:],
        "STREAMS_INGEST_MQTT_KEY_SEGMENTS": "2",
    }


def subscribed(gateway: Ingester) -> bool:
    """Whether the broker knows what we want."""
    assert gateway.alive, gateway.tail()
    return "Subscribed" in gateway.said()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_messages_of_both_versions_and_while_away(
    kafka: Kafka,
    mosquitto: Mosquitto,
    topic: str,
    tmp_path: Path,
    version: str,
) -> None:
    settings = variables(mosquitto, topic, version)
    sent = [(f"{topic}/v{n % 5}/position", b"%d" % n) for n in range(COUNT)]
    with Ingester(kafka, topic, tmp_path, "mqtt", **settings) as gateway:
        until(lambda: subscribed(gateway), "it subscribes", 100, gateway.tail)
        publish(mosquitto.port, [*sent[:100], (f"{topic}/v1/other", b"unwanted")])
        gateway.until_published(100)
        gateway.kill()
        publish(mosquitto.port, sent[100:])
        gateway.begin()
        expected = {payload for _, payload in sent}
        # Not so many records: what it hadn't acknowledged when it was killed comes again.
        until(
            lambda: {r.value for r in gateway.records()} >= expected, "all", SECONDS, gateway.tail
        )
        assert gateway.stop() == 0, gateway.tail()
        found = gateway.records()
    assert {r.value for r in found} == expected
    assert {(r.key, int(r.value or b"") % 5) for r in found} == {(b"v%d" % n, n) for n in range(5)}


def test_a_message_that_is_too_long_holds_nothing_up(
    kafka: Kafka, mosquitto: Mosquitto, topic: str, tmp_path: Path
) -> None:
    settings = {**variables(mosquitto, topic), "STREAMS_INGEST_MAX_RECORD_BYTES": "1000"}
    with Ingester(kafka, topic, tmp_path, "mqtt", **settings) as gateway:
        until(lambda: subscribed(gateway), "it subscribes", 100, gateway.tail)
        where = f"{topic}/v1/position"
        publish(mosquitto.port, [(where, b"x" * 1001), (where, b"short")])
        [record] = gateway.until_published(1)
        # In another topic, so it may come later.
        until(lambda: bool(gateway.dead_letters()), "the dead letter", SECONDS, gateway.tail)
        [dead] = gateway.dead_letters()
        assert gateway.stop() == 0, gateway.tail()
    assert record.value == b"short"
    assert (dead.key, dead.value) == (b"v1", b"x" * 500)
    assert [value for name, value in dead.headers if name == REASON_HEADER] == [
        f"For {topic}: its 1,003 bytes are more than 1,000".encode()
    ]


def test_a_broker_that_is_not_there(kafka: Kafka, topic: str, tmp_path: Path) -> None:
    settings = {
        "STREAMS_INGEST_MQTT_URL": "mqtt://127.0.0.1:1",
        "STREAMS_INGEST_MQTT_FILTERS": "#",
    }
    with Ingester(kafka, topic, tmp_path, "mqtt", **settings) as gateway:
        until(lambda: "No MQTT broker at 127.0.0.1:1" in gateway.said(), "it says so", 100)
        assert gateway.stop() == 0, gateway.tail()
