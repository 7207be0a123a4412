"""The gateway's web server: its sources' addresses, `/health` and `/metrics`.

It serves only if a source is asked over HTTP.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.errors import RequestError, StartError
from streams.ingest.settings import IngestSettings
from streams.web.problems import problem_of, use_problem_details

log = logging.getLogger(__name__)

#: Seconds that requests have to end when the gateway stops.
STOP_SECONDS = 10.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """Add handlers, then serve."""

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
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
        """Serve, if there is something to serve; raises StartError if the port can't be had."""
        if not self._routes:
            return
        # The sources bound bodies themselves, after a look at the token.
        app = web.Application(client_max_size=self._settings.max_body_bytes)
        use_problem_details(app)
        app.add_routes([*self._routes, web.get("/metrics", _metrics), web.get("/health", _health)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS)
        await self._runner.setup()
        where = self._settings.host, self._settings.port
        site = web.TCPSite(self._runner, *where)
        try:
            await site.start()
        except OSError as exc:
            await self._runner.cleanup()
            raise StartError(f"Nothing can be served at {where[0]}:{where[1]}: {exc}") from exc
        log.info("Accepting records at %s", site.name)

    async def close(self) -> None:
        """Accept no more, and let requests end."""
        if self._runner is not None:
            await asyncio.shield(self._runner.cleanup())


async def _metrics(_request: web.Request) -> web.Response:
    """`GET /metrics`."""
    return web.Response(body=generate_latest(), content_type=CONTENT_TYPE_LATEST.split(";")[0])


async def _health(_request: web.Request) -> web.Response:
    """`GET /health`."""
    return web.json_response({"status": "healthy"})
