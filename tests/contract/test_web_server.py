"""The hook into Faust's web server: aiohttp's routes beside its own; who asks nothing is cut."""

import asyncio
from typing import Any

import aiohttp
import faust
from aiohttp import web
from faust.web.drivers.aiohttp import Web

from streams.transport.web_server import extend
from tests.worker import free_port

HOST = "127.0.0.1"


async def test_routes_stand_beside_faust_s_and_idle_connections_are_cut() -> None:
    port = free_port()
    app = faust.App("test", web_bind=HOST, web_port=port, topic_allow_declare=False)
    app.finalize()
    stopped: list[bool] = []

    @app.page("/page")
    async def page(web: Any, request: Any) -> Any:  # noqa: ARG001
        return web.text("Faust's")

    async def handle(_: web.Request) -> web.Response:
        return web.Response(text="ours")

    async def note(_: web.Application) -> None:
        stopped.append(True)

    def add_to(application: web.Application) -> None:
        application.router.add_get("/ours", handle)
        application.on_shutdown.append(note)

    server = app.web
    assert isinstance(server, Web)
    server.init_server()
    extend(server, [add_to], handshake_seconds=1.0)
    await server.start_server()
    try:
        async with aiohttp.ClientSession() as session:
            for path, text in (("page", "Faust's"), ("ours", "ours")):
                async with session.get(f"http://{HOST}:{port}/{path}") as response:
                    assert await response.text() == text
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"GET /ours HTTP/1.1\r\nHo")
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        writer.close()
    finally:
        await server.stop_server()
    assert stopped
