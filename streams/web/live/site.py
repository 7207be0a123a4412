"""What is served live, as routes of an aiohttp application: a worker's, or a gateway's own."""

import asyncio

from aiohttp import web

from streams.settings import Settings
from streams.web.dashboard.pages import add_dashboard
from streams.web.live.changelog import ProvisionalCounts
from streams.web.live.follower import Follower
from streams.web.live.gateway import Gateway
from streams.web.queries.handlers import Queries
from streams.web.queries.question import OpenCounts


class LiveSite:
    """The follower, who listens to it, and the routes. Raises SettingError for wrong settings.

    `open_counts` finds the counts of open windows; None if there is nobody to ask.
    """

    def __init__(self, settings: Settings, open_counts: OpenCounts | None) -> None:
        self._topics = settings.live.topics
        self.follower = Follower(settings)
        self.gateway = Gateway(settings, self.follower)
        self._provisional = ProvisionalCounts(settings, self.gateway.hub)
        self.follower.listen(self._provisional)
        self._queries = Queries(settings, self.follower, open_counts, self.gateway.authorize)
        self._delivering: asyncio.Task[None] | None = None

    def add_to(self, app: web.Application) -> None:
        """Add the routes, and what ends them."""
        app.router.add_get("/ws", self.gateway.connect)
        app.router.add_get("/live/connections", self.gateway.show_connections)
        self._queries.add_to(app)
        add_dashboard(app, self._topics)
        app.on_startup.append(self._start)
        app.on_shutdown.append(self._close)

    async def _start(self, _app: web.Application) -> None:
        self._delivering = asyncio.create_task(self._provisional.run(), name="provisional counts")

    async def _close(self, _app: web.Application) -> None:
        if self._delivering is not None:
            self._delivering.cancel()
            await asyncio.wait([self._delivering])
        await self.gateway.close()
