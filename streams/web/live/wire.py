"""Hook: write ready-made frames to the socket under aiohttp's WebSocket.

aiohttp builds a frame for each connection anew, in a coroutine; here one frame is made for all, and
those of one pass of the event loop are written together. As long as asyncio's transport holds
nothing back, the socket is written to directly: with thousands of connections, what a write touches
in memory costs as much as what it does. What the socket doesn't take goes to the transport.

Written for aiohttp 3.14 and asyncio's selector event loop; `tests/contract/test_wire.py` holds it.
What is used of their inside:
- `BaseProtocol._paused` and `_drain_helper`. With limits of 0 the protocol is paused exactly as
  long as the transport holds something back.
- The socket of a `_SelectorSocketTransport`. Other transports (TLS, other loops) are written to.
- `WebSocketWriter` hands each frame of its own (pings, closing) to the transport in one piece, so
  that they fall between ours.
"""

import socket
from asyncio import selector_events
from typing import Any

from aiohttp import web

from streams.web.live.outbox import CHUNK

#: The kernel's own buffer for a connection, in bytes; Linux doubles it. Left to itself it grows to
#: megabytes for a reader that never reads.
SEND_BUFFER = 128 * 1024


class AiohttpWire:
    """See `outbox.Wire`; for a request whose WebSocket is prepared, without compression."""

    __slots__ = ("_protocol", "_send", "_transport")

    def __init__(self, request: web.Request) -> None:
        transport, protocol = request.transport, request.protocol
        if transport is None:
            raise ConnectionResetError("the client has left")
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._transport: Any = transport
        self._protocol: Any = protocol
        self._send: Any = None
        if type(transport) is selector_events._SelectorSocketTransport:  # type: ignore[attr-defined]
            self._send = sock._sock.send
        transport.set_write_buffer_limits(high=0 if self._send else CHUNK)

    @property
    def is_full(self) -> bool:
        paused: bool = self._protocol._paused
        return paused

    def offer(self, data: bytes) -> bool:
        if self._protocol._paused:
            return False
        if self._send is None:
            if self._protocol.connected:  # TLS can't be asked any more once it is closed
                self._transport.write(data)
            return True
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return True  # it is closed, and whoever reads from it will see that
        if sent < len(data):
            self._transport.write(data[sent:])
        return True

    def buffered(self) -> int:
        size: int = self._transport.get_write_buffer_size() if self._protocol.connected else 0
        return size

    async def drained(self) -> None:
        await self._protocol._drain_helper()

    def abort(self) -> None:
        """End the connection at once, whatever is still unsent."""
        self._transport.abort()
