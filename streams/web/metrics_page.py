"""`GET /metrics` for Prometheus, where aiohttp serves without Faust."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


async def show_metrics(_request: web.Request) -> web.Response:
    """All metrics, as text."""
    return web.Response(body=generate_latest(), content_type=CONTENT_TYPE_LATEST.split(";")[0])
