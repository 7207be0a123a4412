"""Hook: aiohttp's own routes on Faust's web server, and a bound on connections that ask nothing.

Faust's views answer once; a WebSocket needs aiohttp's application under them. Written for
faust-streaming 0.15.3; `tests/contract/test_web_server.py` holds it. What is used of its inside:
`drivers.aiohttp.Web.web_app` and `_runner`, which it makes without a way to pass options; and
`production_blueprints`, an index page that can't be switched off.
"""

import contextlib
import resource
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web
from faust.web import drivers
from faust.web.drivers.aiohttp import Web

#: Adds routes to an application.
AddRoutes = Callable[[web.Application], None]

#: Seconds that requests have to end when the worker stops.
STOP_SECONDS = 5.0

#: The setting that chooses this server.
URL = "tally://"


class WebServer(Web):
    """Faust's server without its index page, for we have one."""

    production_blueprints = ()


drivers.DRIVERS.aliases["tally"] = f"{__name__}:{WebServer.__name__}"


def extend(server: Any, parts: Iterable[AddRoutes], handshake_seconds: float) -> None:
    """Add the parts' routes; to be called before the server starts."""
    allow_many_files()
    for add_to in parts:
        add_to(server.web_app)
    server._runner = runner_of(server.web_app, handshake_seconds)


def runner_of(app: web.Application, handshake_seconds: float) -> web.AppRunner:
    """Serves an application. A connection that sends no whole request in that time is closed."""
    return web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=handshake_seconds,
        shutdown_timeout=STOP_SECONDS,
    )


def allow_many_files() -> None:
    """Each connection is a file; many systems allow 1,024 until they are asked for more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
