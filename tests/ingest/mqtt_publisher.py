"""Publishing to an MQTT broker with QoS 1, by paho."""

from collections.abc import Iterable

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

SECONDS = 300.0


def publish(port: int, messages: Iterable[tuple[str, bytes]]) -> None:
    """Returns when the broker has all of them."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.max_inflight_messages_set(100)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        sent = [client.publish(topic, payload, qos=1) for topic, payload in messages]
        for message in sent:
            message.wait_for_publish(SECONDS)
            assert message.is_published()
    finally:
        client.disconnect()
        client.loop_stop()
