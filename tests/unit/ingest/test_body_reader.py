"""How much of requests is read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from producers.ingest import body_reader
from producers.ingest.body_reader import BodyReader
from streams.errors import RequestError
from streams.ingest.settings import IngestSettings
from streams.web.problems import problem_of, use_problem_details
from tests.polling import until_true
from tests.worker import free_port

MEBIBYTE = 2**20
SETTINGS = IngestSettings(buffer_bytes=MEBIBYTE, max_body_bytes=MEBIBYTE)


@contextlib.asynccontextmanager
async def client(
    port: int, steps: "asyncio.Queue[str] | None" = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a server that tells how long bodies are; `steps` get what it does."""
    reader = BodyReader(SETTINGS)
    done = steps or asyncio.Queue()

    async def handle(request: web.Request) -> web.Response:
        done.put_nowait("reads")
        try:
            return web.json_response(len(await reader.read(request)))
        except RequestError as exc:
            return problem_of(exc)
        finally:
            asyncio.get_running_loop().call_soon(done.put_nowait, "has read")

    app = web.Application()
    use_problem_details(app)
    app.add_routes([web.post("/", handle)])
    # As the gateway does; aiohttp's own TestServer cancels handlers.
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            yield session
    finally:
        await runner.cleanup()


class Slow:
    """A body of `size` bytes; the last one comes when it may."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.may_end = asyncio.Event()
        self.has_begun = asyncio.Event()

    async def parts(self) -> AsyncIterator[bytes]:
        yield b"x" * (self._size - 1)
        self.has_begun.set()
        await self.may_end.wait()
        yield b"x"

    async def send(self, to: aiohttp.ClientSession, *, announced: bool) -> int:
        """The answer's status."""
        headers = {"Content-Length": str(self._size)} if announced else {}
        async with to.post("/", data=self.parts(), headers=headers) as answer:
            return answer.status


@pytest.mark.parametrize("announced", [False, True])
async def test_bodies_that_are_being_read_are_bounded_together(*, announced: bool) -> None:
    async with client(free_port()) as to:
        slow = Slow(MEBIBYTE)
        sending = asyncio.create_task(slow.send(to, announced=announced))
        await slow.has_begun.wait()

        async def is_full() -> bool:
            return (await to.post("/", data=b"xx")).status == 503

        await until_true(is_full, 60)
        slow.may_end.set()
        assert await sending == 200
        answer = await to.post("/", data=b"x" * MEBIBYTE)
        assert (answer.status, await answer.json()) == (200, MEBIBYTE)


async def test_a_body_that_is_too_long() -> None:
    async with client(free_port()) as to:
        assert (await to.post("/", data=b"x" * (MEBIBYTE + 1))).status == 413

        async def parts() -> AsyncIterator[bytes]:
            yield b"x" * MEBIBYTE
            yield b"x"

        assert (await to.post("/", data=parts())).status == 413
        assert (await to.post("/", data=b"x" * MEBIBYTE)).status == 200


async def test_a_client_that_goes_away_is_no_error_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    steps: asyncio.Queue[str] = asyncio.Queue()
    port = free_port()
    async with client(port, steps), asyncio.timeout(60):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
        assert await steps.get() == "reads"
        writer.close()
        assert await steps.get() == "has read"
    assert not caplog.records


async def test_a_body_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_reader, "SECONDS", 0.05)
    async with client(free_port()) as to:
        answer = await to.post("/", data=Slow(1000).parts())
        assert answer.status == 408
        assert "0.05 s" in (await answer.json())["detail"]
        # Its room is free again.
        monkeypatch.setattr(body_reader, "SECONDS", 60)
        assert (await to.post("/", data=b"x" * MEBIBYTE)).status == 200
