"""The gateway on its own: `tally gateway` serves the live pages without a worker."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator

from aiohttp import web

from streams.settings import Settings
from streams.topics import ensure_topics
from streams.transport.web_server import allow_many_files, runner_of
from streams.web.live.site import LiveSite
from streams.web.metrics_page import show_metrics
from streams.web.openapi import add_openapi
from streams.web.problems import use_problem_details
from streams.web.queries.forwarding import Forwarder, GatewayCounts

log = logging.getLogger(__name__)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises StartError if Kafka can't be used, or a setting is wrong.
    """
    allow_many_files()
    await ensure_topics(settings, list(settings.live.topics))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    workers = settings.queries.workers
    site = LiveSite(settings, GatewayCounts(workers, Forwarder()) if workers else None)
    await site.follower.check_formats()
    async with site.follower.held(), running(settings, site):
        await stop.wait()


@contextlib.asynccontextmanager
async def running(settings: Settings, site: LiveSite) -> AsyncIterator[None]:
    """Serve as long as the context lasts."""
    app = web.Application()
    add_routes(app, site)
    runner = runner_of(app, settings.live.handshake_ms / 1000)
    await runner.setup()
    context = settings.live.tls_context()
    tcp = web.TCPSite(runner, settings.web_host, settings.web_port, ssl_context=context)
    try:
        await tcp.start()
        log.info("Serving at %s", tcp.name)
        yield
    finally:
        await runner.cleanup()


def add_routes(app: web.Application, site: LiveSite) -> None:
    """Add all that a gateway serves."""
    use_problem_details(app)
    add_openapi(app)
    site.add_to(app)

    async def show_health(_request: web.Request) -> web.Response:
        """`GET /health`: status 503 until results can be served."""
        ready = site.follower.is_ready
        body = {
            "status": "healthy" if ready else "starting",
            "positions": {str(tp): offset for tp, offset in site.follower.positions.items()},
        }
        return web.json_response(body, status=200 if ready else 503)

    app.router.add_get("/metrics", show_metrics)
    app.router.add_get("/health", show_health)
