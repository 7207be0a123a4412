"""What the tests of sources share: a server on loopback, and taking what a source brings."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from aiohttp import web

from producers.sources.live import LivePosts

HOST = "127.0.0.1"
LIMIT_S = 60


@asynccontextmanager
async def serving(app: web.Application, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve it on the port that is given, as long as the context lasts."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0, ssl_context=tls).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def taken(
    source: LivePosts, count: int, published: Callable[[], None] = lambda: None
) -> list[tuple[str, int | None]]:
    """The first hashtags, with their times; calls `published` after each chunk."""
    found: list[tuple[str, int | None]] = []
    async with asyncio.timeout(LIMIT_S), aclosing(source.chunks()) as chunks:
        async for chunk in chunks:
            found += [(tag.decode(), post.timestamp_ms) for post in chunk for tag in post.hashtags]
            published()
            if len(found) >= count:
                break
    return found
