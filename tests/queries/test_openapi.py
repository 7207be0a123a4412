"""The OpenAPI document is valid, and names what there is."""

import re
from typing import Any

import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from streams.app import create_app
from streams.settings import Settings
from streams.web.live.site import LiveSite
from streams.web.server import add_routes
from tests.queries.asking import SPEC

#: What is for people.
PAGES = re.compile("/$|/dashboard")


def routes(app: web.Application) -> set[tuple[str, str]]:
    """(method, path) of all routes for programs. HEAD comes with each GET."""
    return {
        (route.method.lower(), re.sub(r":[^{}]*}", "}", resource.canonical))
        for resource in app.router.resources()
        for route in resource
        if route.method != "HEAD" and not PAGES.match(resource.canonical)
    }


def named() -> set[tuple[str, str]]:
    return {(method, path) for path, item in SPEC["paths"].items() for method in item}


def worker() -> web.Application:
    app = create_app(Settings())
    app.web.init_server()
    server: web.Application = app.web.web_app  # type: ignore[attr-defined]
    return server


def gateway() -> web.Application:
    settings = Settings()
    app = web.Application()
    add_routes(app, LiveSite(settings, None))
    return app


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(SPEC).validate()


@pytest.mark.parametrize("make", [worker, gateway])
async def test_it_names_every_route_and_no_other(make: Any) -> None:
    assert routes(make()) == named()


def test_every_error_is_a_problem() -> None:
    for path, item in SPEC["paths"].items():
        for status, response in item["get"]["responses"].items():
            if int(status) >= 400 and path != "/health":
                name = response["$ref"].rpartition("/")[2]
                content = SPEC["components"]["responses"][name]["content"]
                assert list(content) == ["application/problem+json"], (path, status)
