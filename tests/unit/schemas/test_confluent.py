"""Confluent's API, as a scripted server speaks it, and all that may answer in its place."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streams.errors import MisfitError, RegistryError, SchemaRefusedError
from streams.schemas import confluent
from streams.schemas.confluent import ConfluentRegistry
from streams.schemas.registry import SchemaText
from streams.setting_kinds import Secret
from tests.unit.schemas.registries import HASHTAG, STRING

URL, USERNAME = "STREAMS_SCHEMA_REGISTRY_URL", "STREAMS_SCHEMA_REGISTRY_USERNAME"
Answer = tuple[int, Any]


class Script:
    """Answers by method and path; all else is unknown to it."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[web.Request] = []
        self.bodies: list[Any] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.json() if request.can_read_body else None)
        unknown = (404, {"error_code": 40403, "message": "Schema not found"})
        status, body = self.answers.get(f"{request.method} {request.path_qs}", unknown)
        if isinstance(body, str):
            return web.Response(status=status, text=body, headers={"Location": "/elsewhere"})
        return web.json_response(body, status=status)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def registry(script: Script) -> AsyncIterator[ConfluentRegistry]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", script.answer)
    async with TestServer(app) as server:
        made = ConfluentRegistry(str(server.make_url("/")), "me", Secret("canary"))
        yield made
        await made.close()


async def test_a_schema_by_its_id(script: Script, registry: ConfluentRegistry) -> None:
    script.answers["GET /schemas/ids/7"] = 200, {"schema": STRING}
    assert await registry.schema("7") == SchemaText(STRING, [])
    assert await registry.schema("8") is None
    sent = script.requests[0].headers["Authorization"]
    assert base64.b64decode(sent.removeprefix("Basic ")) == b"me:canary"


async def test_a_schema_that_builds_upon_others(
    script: Script, registry: ConfluentRegistry
) -> None:
    a, b = ({"name": n, "subject": f"s/{n}", "version": 1} for n in "ab")
    script.answers |= {
        "GET /schemas/ids/7": (200, {"schema": "7", "references": [a, b]}),
        "GET /subjects/s%2Fa/versions/1": (200, {"schema": "a", "references": [b]}),
        "GET /subjects/s%2Fb/versions/1": (200, {"schema": "b", "references": [a]}),
    }
    found = await registry.schema("7")
    assert found is not None
    assert list(found.references) == ["b", "a"], "each behind what it builds upon"
    del script.answers["GET /subjects/s%2Fb/versions/1"]
    with pytest.raises(MisfitError, match="s/b 1"):
        await registry.schema("7")


async def test_schemas_that_are_not_avro(script: Script, registry: ConfluentRegistry) -> None:
    script.answers["GET /schemas/ids/7"] = 200, {"schema": "x", "schemaType": "PROTOBUF"}
    with pytest.raises(MisfitError, match="PROTOBUF"):
        await registry.schema("7")


async def test_registering(script: Script, registry: ConfluentRegistry) -> None:
    path = "POST /subjects/tags-value/versions"
    script.answers[path] = 200, {"id": 7}
    assert await registry.register("tags", HASHTAG) == "7"
    assert script.bodies == [{"schema": HASHTAG, "schemaType": "AVRO"}]
    for status in (409, 422):
        script.answers[path] = status, {"error_code": status, "message": "no\n such"}
        with pytest.raises(SchemaRefusedError, match="no such"):
            await registry.register("tags", HASHTAG)


async def test_finding(script: Script, registry: ConfluentRegistry) -> None:
    assert await registry.find("tags", HASHTAG) is None
    script.answers["POST /subjects/tags-value"] = 200, {"id": 7}
    assert await registry.find("tags", HASHTAG) == "7"
    assert await registry.objections("tags", HASHTAG) == ""
    path = "POST /compatibility/subjects/tags-value/versions/latest?verbose=true"
    script.answers[path] = 200, {"is_compatible": True}
    assert await registry.objections("tags", HASHTAG) == ""
    script.answers[path] = 200, {"is_compatible": False, "messages": ["a", "b"]}
    assert await registry.objections("tags", HASHTAG) == "a; b"


@pytest.mark.parametrize(
    ("answer", "setting"),
    [
        ((401, {"error_code": 401, "message": "who?"}), USERNAME),
        ((403, "<html>"), USERNAME),
        ((404, "<html>not here"), URL),
        ((404, {"error_code": 404, "message": "HTTP 404 Not Found"}), URL),
        ((302, "moved"), URL),
        ((200, "<html>"), URL),
        ((200, {"scheme": 1}), URL),
        ((200, []), URL),
        ((429, "slow down"), ""),
        ((500, {"error_code": 50001, "message": "store"}), ""),
        ((503, "<html>"), ""),
    ],
    ids=str,
)
async def test_what_is_no_answer(
    script: Script, registry: ConfluentRegistry, answer: Answer, setting: str
) -> None:
    """None of it says that there is no such schema: that would make dead letters of good values."""
    script.answers["GET /schemas/ids/7"] = answer
    with pytest.raises(RegistryError) as caught:
        await registry.schema("7")
    assert caught.value.setting == setting
    assert "canary" not in repr(caught.value)
    assert all(request.path != "/elsewhere" for request in script.requests)


async def test_an_answer_that_never_ends(
    monkeypatch: pytest.MonkeyPatch, script: Script, registry: ConfluentRegistry
) -> None:
    monkeypatch.setattr(confluent, "ANSWER_BYTES", 1000)
    script.answers["GET /schemas/ids/7"] = 200, {"schema": "x" * 1000}
    with pytest.raises(RegistryError, match="more than 1000"):
        await registry.schema("7")


@pytest.mark.parametrize("serve", ["silence", "nonsense", "nothing"])
async def test_who_does_not_speak_http(monkeypatch: pytest.MonkeyPatch, serve: str) -> None:
    monkeypatch.setattr(confluent, "TIMEOUT_SECONDS", 0.2)

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if serve != "silence":
            if serve == "nonsense":
                writer.write(b"SSH-2.0-OpenSSH\r\n")
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    registry = ConfluentRegistry(f"http://127.0.0.1:{port}", "me", Secret("canary"))
    with pytest.raises(RegistryError, match="no answer") as caught:
        await registry.check()
    assert not caught.value.setting
    server.close()
    with pytest.raises(RegistryError, match="no answer"):
        await registry.check()
    await registry.close()
