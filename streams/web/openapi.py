"""`GET /openapi.json`: what the web server answers, in a document that is written by hand."""

from importlib.resources import files

from aiohttp import web

DOCUMENT = (files(__package__) / "openapi.json").read_bytes()


def add_openapi(app: web.Application) -> None:
    """Serve the document."""
    app.router.add_get("/openapi.json", _show)


async def _show(_request: web.Request) -> web.Response:
    return web.Response(body=DOCUMENT, content_type="application/json", charset="utf-8")
