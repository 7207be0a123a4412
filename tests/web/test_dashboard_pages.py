"""How the dashboard's files are served."""

import re
from collections.abc import AsyncIterator
from importlib import resources

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from streams.web.dashboard.pages import add_dashboard, offered

Client = TestClient[Request, Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = Application()
    add_dashboard(app, {"tags": ("realTimeItemKey", "hashtag"), "quotes": ("symbol",)})
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_the_page_allows_nothing_but_its_own_files(client: Client) -> None:
    response = await client.get("/")
    assert response.content_type == "text/html"
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert policy[:3] == ["default-src 'none'", "script-src 'self'", "style-src 'self'"]
    assert "frame-ancestors 'none'" in policy
    assert not any("unsafe" in directive for directive in policy)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    page = await response.text()
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", page)


async def test_all_that_is_named_is_there_and_from_here(client: Client) -> None:
    page = await (await client.get("/")).text()
    found = set(re.findall(r'(?:src|href)="([^"#]+)"', page))
    script = resources.files("streams.web.dashboard").joinpath("main.js").read_text()
    found |= {f"/dashboard/{name}" for name in re.findall(r'from "\./([^"]+)"', script)}
    assert len(found) > 10
    for path in found:
        assert path.startswith("/dashboard/"), path
        assert (await client.get(path)).status == 200, path


async def test_a_browser_that_has_a_file_is_told_so(client: Client) -> None:
    first = await client.get("/dashboard/main.js")
    assert first.headers["Cache-Control"] == "no-cache"
    assert first.content_type == "text/javascript"
    tag = first.headers["ETag"]
    again = await client.get("/dashboard/main.js", headers={"If-None-Match": f'W/{tag}, "other"'})
    assert (again.status, await again.read()) == (304, b"")
    other = await client.get("/dashboard/main.js", headers={"If-None-Match": '"other"'})
    assert other.status == 200


@pytest.mark.parametrize("name", ["pages.py", "package.json", "../pages.py", "%2e%2e/pages.py", ""])
async def test_nothing_else_is_served(client: Client, name: str) -> None:
    assert (await client.get(f"/dashboard/{name}")).status == 404


async def test_the_page_is_told_its_parameters(client: Client) -> None:
    settings = await (await client.get("/dashboard/settings.json")).json()
    assert settings == {"parameters": ["hashtag", "symbol"]}


def test_parameters_of_several_topics() -> None:
    topics = {"a": ("all", "one"), "b": ("all", "two"), "c": ("all", "two")}
    assert offered(topics) == ["all", "one", "two"]
    assert offered({"a": ("x", "y")}) == ["y"]
