"""The connection to an MQTT broker, as the event loop sees it.

paho, of the extra `mqtt`, works in a thread of its own; acknowledging by hand is part of its public
interface. It connects again by itself.
"""

import asyncio
import logging
import ssl
import threading
from typing import Any, NamedTuple

from streams import metrics
from streams.errors import SourceError, StartError
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


class Message(NamedTuple):
    """One message, its id, and the connection by which it came: ids belong to a connection."""

    topic: str
    payload: bytes
    qos: int
    mid: int
    connection: int


class Session:
    """See the module."""

    def __init__(self, settings: MqttSettings) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        #: Messages, or why we are refused. The broker bounds it: it waits for acknowledgements.
        self._arrived: asyncio.Queue[Message | SourceError] = asyncio.Queue()
        #: Grows with each connection that begins or ends.
        self._connection = 0
        self._changing = threading.Lock()
        self._client = self._new_client()
        metrics.from_zero(metrics.INGEST_DROPPED, "mqtt")

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

    async def next(self) -> Message:
        """The next message; raises SourceError if we are refused."""
        arrived = await self._arrived.get()
        if isinstance(arrived, SourceError):
            raise arrived
        return arrived

    async def acknowledge(self, message: Message) -> None:
        """Tell the broker that a message has arrived.

        Not by another connection: the broker sends it again there, and its id may be another's.
        What paho hasn't sent when a connection ends it forgets.
        """
        with self._changing:
            if message.connection == self._connection:
                self._client.ack(message.mid, message.qos)

    async def close(self) -> None:
        """Disconnect; the broker keeps the session."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

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
        self._new_connection()
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
        self._new_connection()
        if reason.is_failure:
            log.warning("The connection to the MQTT broker broke: %s", reason)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        # For QoS 1 the broker waits for acknowledgements; for QoS 0 nobody has promised anything.
        if message.qos == 0 and self._arrived.qsize() >= self._settings.in_flight:
            metrics.INGEST_DROPPED.labels("mqtt").inc()
            return
        self._arrive(
            Message(
                message.topic, bytes(message.payload), message.qos, message.mid, self._connection
            )
        )

    def _refuse(self, happened: str) -> None:
        self._arrive(SourceError(happened))

    def _arrive(self, what: Message | SourceError) -> None:
        self._loop.call_soon_threadsafe(self._arrived.put_nowait, what)

    def _new_connection(self) -> None:
        with self._changing:
            self._connection += 1
