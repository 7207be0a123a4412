"""What is served live, as routes of an aiohttp application: a worker's, or a gateway's own."""

from aiohttp import web

from streams.settings import Settings
from streams.web.live.follower import Follower
from streams.web.live.gateway import Gateway


class LiveSite:
    """The follower, who listens to it, and the routes. Raises SettingError for wrong settings."""

    def __init__(self, settings: Settings) -> None:
        self.follower = Follower(settings)
        self.gateway = Gateway(settings, self.follower)

    def add_to(self, app: web.Application) -> None:
        """Add the routes, and what ends them."""
        app.router.add_get("/ws", self.gateway.connect)
        app.router.add_get("/live/connections", self.gateway.show_connections)
        app.on_shutdown.append(self._close)

    async def _close(self, _app: web.Application) -> None:
        await self.gateway.close()
