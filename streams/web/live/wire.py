"""Hook: write ready-made frames to the transport under aiohttp's WebSocket.

aiohttp builds a frame for each connection anew, in a coroutine; here one frame is made for all, and
those of one pass of the event loop are written together. Written for aiohttp 3.14;
`tests/contract/test_wire.py` holds it. What is used of its inside: `BaseProtocol._drain_helper`,
and that `WebSocketWriter` hands each frame of its own (pings, closing) to the transport in one
piece, so that they fall between ours.
"""

import socket
from collections.abc import Callable
from typing import Any

from aiohttp import web

from streams.web.live.outbox import CHUNK

#: The kernel's own buffer for a connection, in bytes; Linux doubles it. Left to itself it grows to
#: megabytes for a reader that never reads.
SEND_BUFFER = 128 * 1024


class AiohttpWire:
    """See `outbox.Wire`; for a request whose WebSocket is prepared, without compression."""

    __slots__ = ("_protocol", "_transport", "write")

    def __init__(self, request: web.Request) -> None:
        transport, protocol = request.transport, request.protocol
        if transport is None:
            raise ConnectionResetError("the client has left")
        transport.set_write_buffer_limits(high=CHUNK)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._transport: Any = transport
        self._protocol: Any = protocol
        #: Every delivery calls it.
        self.write: Callable[[bytes], None] = transport.write

    @property
    def is_full(self) -> bool:
        paused: bool = self._protocol._paused
        return paused

    def buffered(self) -> int:
        size: int = self._transport.get_write_buffer_size()
        return size

    async def drained(self) -> None:
        await self._protocol._drain_helper()

    def abort(self) -> None:
        """End the connection at once, whatever is still unsent."""
        self._transport.abort()
