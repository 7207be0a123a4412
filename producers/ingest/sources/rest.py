"""A REST API that is asked at intervals: what has changed since the last answer becomes records.

An answer is an array of records, here or in a field of it, or one record. With a key's field
(STREAMS_INGEST_KEY_FIELD) a record is new if it differs from the last one of its key, else if it
wasn't in the last answer. What was seen stands in the checkpoints' topic, so that a restart repeats
nothing; a crash between publishing and the checkpoint repeats one answer's changes. `ingest-id` is
the digest of key and content, the same for what is the same.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from producers.ingest.gateway import Gateway, key_of
from producers.ingest.record import Record
from streams.errors import SettingError, SourceError
from streams.sinks.backoff import retry_after

TIMEOUT_SECONDS = 30.0
#: Bytes of an answer.
MAX_ANSWER = 32 * 2**20


def source(gateway: Gateway) -> "Rest":
    """See `Source`."""
    return Rest(gateway)


class Rest:
    """See the module."""

    def __init__(self, gateway: Gateway) -> None:
        settings = gateway.settings.polled
        if settings.rest_url is None:
            raise SettingError("STREAMS_INGEST_REST_URL", "is needed for the source rest")
        self._gateway = gateway
        self._settings = settings
        self._url = settings.rest_url.reveal()
        self._topic = gateway.topics_of("rest")[0]
        # Its digest, for the URL may hold a key.
        self._name = f"rest/{digest(self._url.encode())}"
        self._headers = {"Accept": "application/json"}
        if settings.rest_header is not None:
            name, _, value = settings.rest_header.reveal().partition(":")
            self._headers[name] = value.strip()
        self._validators: dict[str, str] = {}

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                answer = await self._ask(session)
                if answer is not None:
                    await self._publish(items_of(answer, self._settings.rest_items))
                await asyncio.sleep(self._settings.rest_interval_ms / 1000)

    async def _ask(self, session: aiohttp.ClientSession) -> Any:
        """The answer's JSON; None if it says itself that nothing has changed."""
        try:
            headers = {**self._headers, **self._validators}
            async with session.get(self._url, headers=headers) as answer:
                if answer.status == 304:
                    return None
                if answer.status != 200:
                    await asyncio.sleep(retry_after(answer.headers.get("Retry-After")))
                    raise SourceError(f"The API answers with status {answer.status}")
                body = await answer.content.read(MAX_ANSWER)
                if not answer.content.at_eof():
                    raise SourceError(f"The API's answer is longer than {MAX_ANSWER:,} bytes")
                found = json.loads(body)
                self._validators = _validators(answer.headers)
                return found
        except aiohttp.ClientError as exc:
            # Its text may hold the URL, and that a key.
            raise SourceError(f"The API can't be asked: {type(exc).__name__}") from None
        except TimeoutError:
            raise SourceError("The API doesn't answer in time") from None
        except ValueError:
            raise SourceError("The API's answer isn't JSON") from None

    async def _publish(self, items: list[Any]) -> None:
        seen: dict[str, str] = self._gateway.checkpoints.get(self._name) or {}
        newest: dict[str, str] = {}
        records = []
        for item in items:
            value = json.dumps(item, ensure_ascii=False).encode("utf-8", "backslashreplace")
            field = self._gateway.settings.ingest.key_field
            key = key_of(item, field) if field is not None else None
            # The order of an object's fields means nothing.
            content = digest(json.dumps(item, sort_keys=True).encode())
            name = content if key is None else digest(key)
            newest[name] = content
            if seen.get(name) != content:
                records.append(Record(self._topic, value, key, f"{name}:{content}"))
        if records:
            await (await self._gateway.outlet.publish(records)).acknowledged()
        if newest != seen:
            await self._gateway.checkpoints.put(self._name, newest)


def items_of(answer: Any, path: tuple[str, ...] | None) -> list[Any]:
    """The records of an answer; raises SourceError if the field isn't there."""
    for name in path or ():
        if not isinstance(answer, dict) or name not in answer:
            raise SourceError(
                f"The API's answer has no field {name!r}", "Correct STREAMS_INGEST_REST_ITEMS"
            )
        answer = answer[name]
    return answer if isinstance(answer, list) else [answer]


def digest(text: bytes) -> str:
    """Short, and the same for the same text."""
    return hashlib.sha256(text).hexdigest()[:24]


def _validators(headers: Mapping[str, str]) -> dict[str, str]:
    """What lets the server say that nothing has changed."""
    named = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
    return {ask: headers[told] for ask, told in named.items() if told in headers}
