"""A registry with Confluent's HTTP API: Confluent's own, Apicurio, Karapace, Redpanda."""

import json
from typing import Any
from urllib.parse import quote

import aiohttp

from streams.answers import LongAnswerError, read_all
from streams.errors import MisfitError, RegistryError, SchemaRefusedError
from streams.schemas.registry import SchemaText
from streams.schemas.wire import ConfluentWire, WireFormat
from streams.setting_kinds import Secret

#: Seconds that one request may take.
TIMEOUT_SECONDS = 10.0
#: Bytes of an answer that are read; a schema is in a Kafka record, so it has at most 1 MiB.
ANSWER_BYTES = 4 * 2**20
CONNECTIONS = 8
#: Schemas that one may build upon, directly or not.
REFERENCES = 100

_URL, _USERNAME = "STREAMS_SCHEMA_REGISTRY_URL", "STREAMS_SCHEMA_REGISTRY_USERNAME"
_TYPE = "application/vnd.schemaregistry.v1+json"
#: What is not found is named by the error code, if it is the registry that answers.
_UNKNOWN = {40401, 40402, 40403}


class ConfluentRegistry:
    """See `Registry`. A topic's subject is `TOPIC-value`, as in all of Confluent's clients."""

    def __init__(
        self, url: str, username: str | None = None, password: Secret | None = None
    ) -> None:
        self.wire: WireFormat = ConfluentWire()
        self._url = url.rstrip("/")
        self._headers = {"Accept": f"{_TYPE}, application/json", "Content-Type": _TYPE}
        if username is not None and password is not None:
            login = aiohttp.encode_basic_auth(username, password.reveal())
            self._headers["Authorization"] = login
        self._session: aiohttp.ClientSession | None = None

    async def check(self) -> None:
        await self._get("/schemas/types")

    async def schema(self, schema_id: str) -> SchemaText | None:
        found = await self._get(f"/schemas/ids/{schema_id}")
        if found is None:
            return None
        text = _field(found, "schema")
        kind = found.get("schemaType", "AVRO")
        if kind != "AVRO":
            raise MisfitError(f"schema {schema_id} is {kind}, not Avro")
        references: list[str] = []
        await self._add_references(found, references, set())
        return SchemaText(text, references)

    async def find(self, topic: str, text: str) -> str | None:
        status, answer = await self._ask("POST", f"/subjects/{_subject(topic)}", _body(text))
        if _code(answer) in _UNKNOWN:
            return None
        if status in {409, 422}:
            raise SchemaRefusedError(_message(answer))
        return _field(_accepted(status, answer), "id")

    async def register(self, topic: str, text: str) -> str:
        path = f"/subjects/{_subject(topic)}/versions"
        status, answer = await self._ask("POST", path, _body(text))
        if status in {409, 422}:
            raise SchemaRefusedError(_message(answer))
        return _field(_accepted(status, answer), "id")

    async def objections(self, topic: str, text: str) -> str:
        path = f"/compatibility/subjects/{_subject(topic)}/versions/latest?verbose=true"
        status, answer = await self._ask("POST", path, _body(text))
        if _code(answer) in _UNKNOWN:
            return ""
        if status == 422:
            return _message(answer)
        checked = _accepted(status, answer)
        if checked.get("is_compatible"):
            return ""
        return "; ".join(map(str, checked.get("messages") or ())) or "incompatible"

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _add_references(
        self, found: Any, texts: list[str], asked: set[tuple[str, str]]
    ) -> None:
        """Add all that a schema builds upon, each behind what it builds upon itself."""
        for reference in found.get("references") or ():
            subject, version = _field(reference, "subject"), _field(reference, "version")
            if (subject, version) in asked:
                continue
            if len(asked) >= REFERENCES:
                raise MisfitError(f"schema builds upon more than {REFERENCES} others")
            asked.add((subject, version))
            path = f"/subjects/{quote(subject, safe='')}/versions/{quote(version, safe='')}"
            referenced = await self._get(path)
            if referenced is None:
                raise MisfitError(f"schema builds upon {subject} {version}, which isn't there")
            await self._add_references(referenced, texts, asked)
            texts.append(_field(referenced, "schema"))

    async def _get(self, path: str) -> Any:
        """What is there; None if the registry says that nothing is."""
        status, answer = await self._ask("GET", path)
        return None if _code(answer) in _UNKNOWN else _accepted(status, answer)

    async def _ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        try:
            # Redirects are not followed: the password is for this host alone.
            async with self._open().request(
                method, self._url + path, json=body, allow_redirects=False
            ) as response:
                return response.status, _parsed(await _read(response))
        except TimeoutError:
            raise RegistryError(f"no answer within {TIMEOUT_SECONDS:g} s") from None
        # aiohttp asserts some of what a peer could break.
        except (aiohttp.ClientError, OSError, ValueError, AssertionError) as exc:
            raise RegistryError(f"no answer: {type(exc).__name__}: {exc}") from exc

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
            )
        return self._session


async def _read(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await read_all(response, ANSWER_BYTES)
    except LongAnswerError as exc:
        problem = f"an answer of more than {ANSWER_BYTES} bytes"
        raise RegistryError(problem, setting=_URL) from exc


def _parsed(raw: bytes) -> Any:
    """What JSON stands for; None if it is none."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _subject(topic: str) -> str:
    return quote(f"{topic}-value", safe="")


def _body(text: str) -> dict[str, str]:
    return {"schema": text, "schemaType": "AVRO"}


def _accepted(status: int, answer: Any) -> Any:
    """The answer to a request that was carried out. Raises RegistryError for any other."""
    if status == 200 and answer is not None:
        return answer
    said = f"status {status}: {_message(answer)}"
    if status in {401, 403}:
        raise RegistryError(said, "Check its password and rights", _USERNAME)
    # It is a registry that answers, but not to what we ask; or something else that does.
    raise RegistryError(said, setting="" if status in {408, 429} or status >= 500 else _URL)


def _code(answer: Any) -> Any:
    return answer.get("error_code") if isinstance(answer, dict) else None


def _message(answer: Any) -> str:
    text = answer.get("message") if isinstance(answer, dict) else None
    return " ".join(str(text or "no reason given").split())[:500]


def _field(answer: Any, name: str) -> str:
    """A part of an answer as text. Raises RegistryError if it isn't there."""
    try:
        return str(answer[name])
    except (KeyError, TypeError):
        raise RegistryError(f"an answer without {name!r}", setting=_URL) from None
