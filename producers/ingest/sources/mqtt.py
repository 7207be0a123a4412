"""MQTT messages (QoS 1), acknowledged to the broker when Kafka has them.

The broker keeps a session for our client id, with what came while we were away. What it has sent
and we haven't acknowledged it sends again, so a message may come twice after a crash or a broken
connection. MQTT gives messages no identity: whoever needs one puts it into the payload.
"""

from collections.abc import Sequence
from functools import partial

from producers.ingest.gateway import Gateway
from producers.ingest.in_order import in_order
from producers.ingest.mqtt_session import Message, Session
from producers.ingest.record import Record
from streams.errors import SettingError
from streams.ingest.mqtt_settings import MqttSettings


def source(gateway: Gateway) -> "Mqtt":
    """See `Source`."""
    settings = gateway.settings.mqtt
    if settings.url is None:
        raise SettingError("STREAMS_INGEST_MQTT_URL", "is needed for the source mqtt")
    if not settings.filters:
        raise SettingError("STREAMS_INGEST_MQTT_FILTERS", "is needed for the source mqtt")
    return Mqtt(gateway, settings)


class Mqtt:
    """See the module."""

    def __init__(self, gateway: Gateway, settings: MqttSettings) -> None:
        self._gateway = gateway
        self._settings = settings

    async def run(self) -> None:
        session = Session(self._settings)
        try:
            await session.start()
            async with in_order(self._gateway.outlet) as put:
                while True:
                    message = await session.next()
                    await put([self._record(message)], partial(session.acknowledge, message))
        finally:
            await session.close()

    def _record(self, message: Message) -> Record:
        key = key_of_topic(message.topic, self._settings.key_segments)
        return self._gateway.record("mqtt", message.payload, key.encode())


def key_of_topic(topic: str, segments: Sequence[int]) -> str:
    """Those segments, counted from 1; the whole topic if there are none."""
    parts = topic.split("/")
    return "/".join(parts[n - 1] for n in segments if n <= len(parts)) if segments else topic
