"""Clients that send requests over kept connections, one at a time each, and cost little."""

import asyncio

HOST = "127.0.0.1"
_ACCEPTED = b"HTTP/1.1 202"


class Client(asyncio.Protocol):
    """One connection; sends `request` until `left` has nothing more to give."""

    def __init__(self, request: bytes, left: list[int], done: asyncio.Future[None]) -> None:
        self._request = request
        self._left = left
        self._done = done
        self._answer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found or len(body) < content_length(head):
            return
        if not head.startswith(_ACCEPTED):
            self._fail(f"not accepted: {bytes(self._answer[:300])!r}")
            return
        self._answer.clear()
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the server has closed the connection: {exc}")

    def _send(self) -> None:
        assert self._transport is not None
        if self._left:
            self._left.pop()
            self._transport.write(self._request)
        elif not self._done.done():
            self._done.set_result(None)

    def _fail(self, why: str) -> None:
        if not self._done.done():
            self._done.set_exception(RuntimeError(why))


def content_length(head: bytes | bytearray) -> int:
    """Of an answer's head."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def send(port: int, topic: str, body: bytes, requests: int, connections: int) -> None:
    """Send so many requests; returns when all are accepted."""
    head = (
        f"POST /topics/{topic} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    request, left = head.encode() + body, [0] * requests
    loop = asyncio.get_running_loop()
    done = [loop.create_future() for _ in range(connections)]
    transports = []
    for future in done:
        transport, _ = await loop.create_connection(
            lambda future=future: Client(request, left, future),  # type: ignore[misc]
            HOST,
            port,
        )
        transports.append(transport)
    await asyncio.gather(*done)
    for transport in transports:
        transport.close()
