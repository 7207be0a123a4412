"""The gateway's web server: its sources' addresses, `/health` and `/metrics`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from producers.ingest.body_reader import BodyReader
from producers.ingest.outlet import Outlet
from streams.errors import RequestError, StartError
from streams.ingest.settings import IngestSettings
from streams.web.metrics_page import show_metrics
from streams.web.problems import problem_of, use_problem_details

log = logging.getLogger(__name__)

#: Seconds that a connection may ask nothing.
IDLE_SECONDS = 60.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """Add handlers, then serve."""

    def __init__(self, settings: IngestSettings, outlet: Outlet) -> None:
        self._settings = settings
        self._outlet = outlet
        #: For all handlers.
        self.bodies = BodyReader(settings)
        self._routes: list[web.RouteDef] = []
        self._runner: web.AppRunner | None = None

    def add_post(self, path: str, handler: Handler) -> None:
        """Answer `POST path`; RequestErrors become answers that say why."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except RequestError as exc:
                return problem_of(exc)

        self._routes.append(web.post(path, handle))

    async def start(self) -> None:
        """Serve; raises StartError if the port can't be had."""
        app = web.Application()
        use_problem_details(app)
        pages = [web.get("/metrics", show_metrics), web.get("/health", self._show_health)]
        app.add_routes([*self._routes, *pages])
        self._runner = web.AppRunner(
            app,
            access_log=None,
            # Also ends connections that never send a whole request.
            keepalive_timeout=IDLE_SECONDS,
            shutdown_timeout=self._settings.stop_ms / 1000,
        )
        await self._runner.setup()
        where = self._settings.host, self._settings.port
        site = web.TCPSite(self._runner, *where)
        try:
            await site.start()
        except OSError as exc:
            raise StartError(
                f"Nothing can be served at {where[0]}:{where[1]}: {exc.strerror}",
                "Set STREAMS_INGEST_HOST and STREAMS_INGEST_PORT",
            ) from exc
        log.info("Serving at %s", site.name)

    async def close(self) -> None:
        """Accept no more, and let requests end, within the time for a stop."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await asyncio.shield(runner.cleanup())

    async def _show_health(self, _request: web.Request) -> web.Response:
        """`GET /health`: status 503 when Kafka leaves records waiting for too long."""
        waiting_s = self._outlet.waiting_s
        healthy = waiting_s * 1000 <= self._settings.ack_timeout_ms
        body = {
            "status": "healthy" if healthy else "stalled",
            "buffer_bytes": self._outlet.used_bytes,
            "waiting_seconds": round(waiting_s, 3),
        }
        return web.json_response(body, status=200 if healthy else 503)
