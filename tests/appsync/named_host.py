"""Forwards requests to a server under another host's name, which this machine may not resolve."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from aiohttp import web

from tests.worker import free_port

PASSED = ("Content-Type", "x-api-key", "Authorization")


@contextmanager
def named_host(target: str, host: str) -> Iterator[str]:
    """The URL of a server that forwards POST requests to `target`, as if they were for `host`."""
    port = free_port()
    loop = asyncio.new_event_loop()

    async def forward(request: web.Request) -> web.Response:
        headers = {name: request.headers[name] for name in PASSED if name in request.headers}
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{target}{request.path}",
                data=await request.read(),
                headers={**headers, "Host": host},
            ) as answer,
        ):
            return web.Response(
                status=answer.status,
                body=await answer.read(),
                content_type=answer.content_type,
            )

    async def start() -> web.AppRunner:
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/{path:.*}", forward)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return runner

    thread = threading.Thread(target=loop.run_forever, name="named host")
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(120)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(120)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
