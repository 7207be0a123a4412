"""A listener that lets clients in by IAM as MSK's brokers do: they show each token to AWS.

TLS and the login end here. The rest goes to a plain listener of the broker, and comes from there.
"""

import asyncio
import base64
import binascii
import contextlib
import json
import ssl
import struct
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from deploy.local.ports import HOST
from tests.appsync.ministack import REGION

API_VERSIONS, HANDSHAKE, AUTHENTICATE = 18, 17, 36
AUTHENTICATION_FAILED = 58
#: What the signer adds to the request once it is signed.
UNSIGNED = "&User-Agent="
#: What a client that has read why its token is refused sends (RFC 7628, 3.2.3).
ACKNOWLEDGED = b"\x01"
CHUNK_BYTES = 2**16


class IamListener:
    """Listens at one port for the plain listener at another; a context manager."""

    def __init__(self, port: int, target: int, certificate: Path, aws: str) -> None:
        self._port, self._target, self._aws = port, target, aws
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate)
        self._connections: set[asyncio.Task[None]] = set()
        #: The access key of each token that came, and whether it was let in.
        self.logins: list[tuple[str, bool]] = []

    async def __aenter__(self) -> "IamListener":
        self._server = await asyncio.start_server(self._accept, HOST, self._port, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self.hang_up()

    async def hang_up(self) -> None:
        """End all connections; whoever needs one has to log in again."""
        broken = list(self._connections)
        for connection in broken:
            connection.cancel()
        if broken:
            await asyncio.wait(broken)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            their_reader, their_writer = await asyncio.open_connection(HOST, self._target)
            with contextlib.closing(writer), contextlib.closing(their_writer):
                broker = (their_reader, their_writer)
                if await self._let_in(reader, writer, broker):
                    await _join(reader, writer, broker)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # one of the two, or the test, has hung up
        finally:
            self._connections.discard(task)

    async def _let_in(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        broker: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> bool:
        """Answer what comes until the client has shown its token; whether that is a right one."""
        while True:
            request = await _frame(reader)
            api, _, correlation, name_bytes = struct.unpack_from(">hhih", request)
            payload = request[10 + max(0, name_bytes) :]
            if api == API_VERSIONS:
                broker[1].write(_framed(request))
                writer.write(_framed(await _frame(broker[0])))
            elif api == HANDSHAKE:
                writer.write(_framed(struct.pack(">ihi", correlation, 0, 1) + _text("OAUTHBEARER")))
            else:
                assert api == AUTHENTICATE, f"a request that needs a login: {api}"
                if payload[4:] == ACKNOWLEDGED:
                    writer.write(_authenticated(correlation, AUTHENTICATION_FAILED, b""))
                    await writer.drain()
                    return False
                if right := await asyncio.to_thread(self._is_right, _token(payload[4:])):
                    answer = b""
                else:
                    answer = json.dumps({"status": "invalid_token"}).encode()
                writer.write(_authenticated(correlation, 0, answer))
                if right:
                    return True

    def _is_right(self, token: str) -> bool:
        found = right_token(token, self._aws)
        self.logins.append((_access_key(token), found))
        return found


def right_token(token: str, aws: str) -> bool:
    """Whether the AWS at that address finds the request that a token is rightly signed."""
    url = urlsplit(_request(token))
    if url.hostname != f"kafka.{REGION}.amazonaws.com":
        return False
    if parse_qs(url.query).get("Action") != ["kafka-cluster:Connect"]:
        return False
    signed = url.query.partition(UNSIGNED)[0]
    request = urllib.request.Request(f"{aws}/?{signed}", headers={"Host": url.hostname})
    try:
        with urllib.request.urlopen(request, timeout=60):
            return True
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code != 403


def _access_key(token: str) -> str:
    query = parse_qs(urlsplit(_request(token)).query)
    return query.get("X-Amz-Credential", [""])[0].partition("/")[0]


def _request(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""


def _token(first_message: bytes) -> str:
    """What a client's first message of OAUTHBEARER holds (RFC 7628, 3.1)."""
    [bearer] = [part for part in first_message.split(b"\x01") if part.startswith(b"auth=Bearer ")]
    return bearer.removeprefix(b"auth=Bearer ").decode()


def _authenticated(correlation: int, error: int, data: bytes) -> bytes:
    """The answer to SaslAuthenticate, version 1: with no message, and a session without end."""
    head = struct.pack(">ihh", correlation, error, -1)
    return _framed(head + struct.pack(">i", len(data)) + data + struct.pack(">q", 0))


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


def _framed(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + data


async def _frame(reader: asyncio.StreamReader) -> bytes:
    [size] = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(size)


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    broker: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Pass everything on, in both directions, until one side ends."""
    ways = {
        asyncio.create_task(_pass_on(reader, broker[1])),
        asyncio.create_task(_pass_on(broker[0], writer)),
    }
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
