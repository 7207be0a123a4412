"""One browser and one event loop for all tests that browse."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.web.browser import running_browser
from tests.web.scripted_gateway import ScriptedGateway


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Its tests run in the session's event loop, too."""
    async with running_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def gateway() -> AsyncIterator[ScriptedGateway]:
    """A gateway that does what it is told."""
    async with ScriptedGateway().serving() as gateway:
        yield gateway
