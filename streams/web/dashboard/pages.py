"""Routes for the dashboard: its files, held in memory, with the headers that keep it safe."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from types import MappingProxyType

from aiohttp import web

from streams.web.problems import Handler

TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
#: Scripts, styles and connections from this server alone, nothing inline, and in nobody's frame.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = MappingProxyType(
    {
        # Kept, but never used without asking: an upgraded worker's page and scripts fit together.
        "Cache-Control": "no-cache",
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
)


def add_dashboard(app: web.Application, topics: Mapping[str, Sequence[str]]) -> None:
    """Serve the page at `/` and its files below `/dashboard/`.

    `topics` are those that are followed, each with the parameters of `/ws` that select its keys.
    """
    folder = resources.files(__package__)
    files = [entry for entry in folder.iterdir() if suffix(entry.name) in TYPES]
    for file in files:
        serve = _content(file.read_bytes(), TYPES[suffix(file.name)])
        app.router.add_get(f"/dashboard/{file.name}", serve)
        if file.name == "index.html":
            app.router.add_get("/", serve)
    settings = json.dumps({"parameters": offered(topics)}).encode()
    app.router.add_get("/dashboard/settings.json", _content(settings, "application/json"))


def offered(topics: Mapping[str, Sequence[str]]) -> list[str]:
    """The parameters to choose from: where several select the same keys, the last one."""
    chosen: dict[frozenset[str], str] = {}
    for parameter in dict.fromkeys(name for names in topics.values() for name in names):
        selected = frozenset(topic for topic, names in topics.items() if parameter in names)
        chosen[selected] = parameter
    return list(chosen.values())


def suffix(name: str) -> str:
    """A file's name from its last dot on."""
    return name[name.rfind(".") :]


def _content(content: bytes, kind: str) -> Handler:
    tag = hashlib.sha256(content).hexdigest()[:32]

    async def serve(request: web.Request) -> web.StreamResponse:
        if any(etag.value in (tag, "*") for etag in request.if_none_match or ()):
            response = web.Response(status=304, headers=HEADERS)
        else:
            response = web.Response(
                body=content, content_type=kind, charset="utf-8", headers=HEADERS
            )
            response.enable_compression()
        response.etag = tag
        return response

    return serve
