"""MQTT messages (QoS 1), acknowledged to the broker when Kafka has them.

The broker keeps a session for our client id, with what came while we were away. What it has sent
and we haven't acknowledged it sends again, so a message may come twice after a crash or a broken
connection. MQTT gives messages no identity: whoever needs one puts it into the payload.

paho, of the extra `mqtt`, works in a thread of its own; acknowledging by hand is part of its public
interface. It connects again by itself.
"""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from typing import Any

from producers.ingest.gateway import Gateway
from producers.ingest.in_order import in_order
from producers.ingest.record import Record
from streams import metrics
from streams.errors import SettingError, SourceError, StartError
from streams.ingest.mqtt_settings import MqttSettings

try:
    from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
    from paho.mqtt.enums import CallbackAPIVersion
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
except ImportError as exc:
    raise StartError(
        "The source mqtt needs paho", "Install it: pip install 'tally-streams[mqtt]'"
    ) from exc

log = logging.getLogger(__name__)

QOS = 1
KEEPALIVE_SECONDS = 30
MAX_PAUSE_SECONDS = 30


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
        self._topic = gateway.topics_of("mqtt")[0]

    async def run(self) -> None:
        session = Session(self._settings)
        try:
            await session.start()
            async with in_order(self._gateway.outlet) as put:
                while True:
                    connection, message = await session.next()
                    await put([self._record(message)], session.acknowledgement(connection, message))
        finally:
            await session.close()

    def _record(self, message: MQTTMessage) -> Record:
        key = key_of_topic(message.topic, self._settings.key_segments)
        return Record(self._topic, bytes(message.payload), key.encode())


def key_of_topic(topic: str, segments: Sequence[int]) -> str:
    """Those segments, counted from 1; the whole topic if there are none."""
    parts = topic.split("/")
    return "/".join(parts[n - 1] for n in segments if n <= len(parts)) if segments else topic


class Session:
    """The connection, as the event loop sees it."""

    def __init__(self, settings: MqttSettings) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        # Bounded by the broker, which waits for our acknowledgements.
        self._messages: asyncio.Queue[tuple[int, MQTTMessage]] = asyncio.Queue()
        self._refused: asyncio.Future[None] = self._loop.create_future()
        #: How often we have connected; ids of messages mean something to one connection only.
        self._connection = 0
        self._client = self._new_client()

    async def start(self) -> None:
        """Connect for the first time; raises SourceError."""
        host, port = self._settings.address
        properties = None
        options: dict[str, Any] = {}
        if self._settings.version == "5":
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = self._settings.session_ms // 1000
            properties.ReceiveMaximum = self._settings.in_flight
            options = {"clean_start": False, "properties": properties}
        try:
            await asyncio.to_thread(self._client.connect, host, port, KEEPALIVE_SECONDS, **options)
        except (OSError, ValueError) as exc:
            raise SourceError(f"No MQTT broker at {host}:{port}: {exc}") from exc
        self._client.loop_start()

    async def next(self) -> tuple[int, MQTTMessage]:
        """A message, and the connection it came by; raises SourceError if we are refused."""
        getting = asyncio.ensure_future(self._messages.get())
        try:
            either: set[asyncio.Future[Any]] = {getting, self._refused}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._refused.done():
                self._refused.result()
            return getting.result()
        finally:
            getting.cancel()

    def acknowledgement(self, connection: int, message: MQTTMessage) -> Any:
        """What tells the broker that a message has arrived."""

        async def acknowledge() -> None:
            # After a new connection the broker sends it again, perhaps by another id.
            if connection == self._connection:
                self._client.ack(message.mid, message.qos)

        return acknowledge

    async def close(self) -> None:
        """Disconnect; the broker keeps the session."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)
        self._refused.cancel()

    def _new_client(self) -> Client:
        settings = self._settings
        is_5 = settings.version == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            # In version 5 `connect` says it.
            clean_session=None if is_5 else False,
            protocol=MQTTv5 if is_5 else MQTTv311,
            manual_ack=True,
        )
        if settings.username is not None:
            password = settings.password.reveal() if settings.password is not None else None
            client.username_pw_set(settings.username, password)
        if settings.uses_tls:
            client.tls_set_context(ssl.create_default_context(cafile=settings.ca_file))
        client.reconnect_delay_set(1, MAX_PAUSE_SECONDS)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        return client

    # paho calls these in its thread.

    def _on_connect(
        self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._refuse(f"The MQTT broker refuses us: {reason}")
            return
        self._connection += 1
        client.subscribe([(topic_filter, QOS) for topic_filter in self._settings.filters])

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, reasons: Any, _properties: Any
    ) -> None:
        for topic_filter, reason in zip(self._settings.filters, reasons, strict=False):
            if reason.is_failure:
                self._refuse(f"The MQTT broker refuses {topic_filter!r}: {reason}")
                return
        log.info("Subscribed at the MQTT broker")

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        # Acknowledgements of what it has brought would be taken for those of what comes next.
        self._connection += 1
        if reason.is_failure:
            log.warning("The connection to the MQTT broker broke: %s", reason)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        # For QoS 1 the broker waits for acknowledgements; for QoS 0 nobody has promised anything.
        if message.qos == 0 and self._messages.qsize() >= self._settings.in_flight:
            metrics.INGEST_DROPPED.labels("mqtt").inc()
            return
        arrived = self._connection, message
        self._loop.call_soon_threadsafe(self._messages.put_nowait, arrived)

    def _refuse(self, happened: str) -> None:
        def refuse() -> None:
            if not self._refused.done():
                self._refused.set_exception(SourceError(happened))

        self._loop.call_soon_threadsafe(refuse)
