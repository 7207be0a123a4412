"""A REST API that is asked at intervals: what has changed since the last answer becomes records.

An answer is an array of records, here or in a field of it, or one record. With a key's field
(STREAMS_INGEST_KEY_FIELD) a record is new if it differs from the last one of its key, else if it
wasn't in the last answer.

Digests of the last answer stand in the checkpoints' topic, so that a restart repeats nothing; a
crash between publishing and the checkpoint repeats one answer's changes, with the same `ingest-id`:
digests of key and content, and the number of the answer, for a value may come back later.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from producers.ingest.changes import Changes, digest
from producers.ingest.gateway import Gateway
from producers.ingest.in_order import in_order
from producers.ingest.keys import key_of
from producers.ingest.record import Record
from streams.answers import LongAnswerError, read_all
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
        # Its digest, for the URL may hold a key.
        self._name = f"rest/{digest(self._url.encode())}"
        self._headers = {"Accept": "application/json"}
        if settings.rest_header is not None:
            name, _, value = settings.rest_header.reveal().partition(":")
            self._headers[name] = value.strip()

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        validators: Mapping[str, str] = {}
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                found = await self._ask(session, validators)
                if found is not None:
                    answer, validators = found
                    await self._publish(items_of(answer, self._settings.rest_items))
                await asyncio.sleep(self._settings.rest_interval_ms / 1000)

    async def _ask(
        self, session: aiohttp.ClientSession, validators: Mapping[str, str]
    ) -> tuple[Any, Mapping[str, str]] | None:
        """The answer's JSON, and what lets the server tell next time that nothing has changed.

        None if it has told so.
        """
        headers = {**self._headers, **validators}
        try:
            # Redirects are not followed: the header is for this host alone.
            async with session.get(self._url, headers=headers, allow_redirects=False) as answer:
                status, told = answer.status, answer.headers
                body = await read_all(answer, MAX_ANSWER)
        except aiohttp.ClientError as exc:
            # Its text may hold the URL, and that a key.
            raise SourceError(f"The API can't be asked: {type(exc).__name__}") from None
        except TimeoutError:
            raise SourceError("The API doesn't answer in time") from None
        except LongAnswerError as exc:
            raise SourceError(f"The API: {exc}") from None
        if status == 304:
            return None
        if status != 200:
            await asyncio.sleep(retry_after(told.get("Retry-After")))
            raise SourceError(f"The API answers with status {status}")
        try:
            return json.loads(body), _validators(told)
        except (ValueError, RecursionError):
            raise SourceError("The API's answer isn't JSON") from None

    async def _publish(self, items: list[Any]) -> None:
        kept = self._gateway.checkpoints.get(self._name)
        changes = Changes(kept, self._gateway.settings.ingest.max_record_bytes)
        records = [record for item in items if (record := self._new(item, changes)) is not None]
        if (checkpoint := changes.checkpoint()) == kept:
            return

        async def passed() -> None:
            await self._gateway.checkpoints.put(self._name, checkpoint)

        async with in_order(self._gateway.outlet) as put:
            await put(records, passed)

    def _new(self, item: Any, changes: Changes) -> Record | None:
        """The item's record; None if it isn't new."""
        field = self._gateway.settings.ingest.key_field
        key = key_of(item, field) if field is not None else None
        identity = changes.note(item, key)
        if identity is None:
            return None
        value = json.dumps(item, ensure_ascii=False).encode("utf-8", "backslashreplace")
        return self._gateway.record("rest", value, key, identity)


def items_of(answer: Any, path: tuple[str, ...] | None) -> list[Any]:
    """The records of an answer; raises SourceError if the field isn't there."""
    for name in path or ():
        if not isinstance(answer, dict) or name not in answer:
            raise SourceError(
                f"The API's answer has no field {name!r}", "Correct STREAMS_INGEST_REST_ITEMS"
            )
        answer = answer[name]
    return answer if isinstance(answer, list) else [answer]


def _validators(headers: Mapping[str, str]) -> Mapping[str, str]:
    named = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
    return {ask: headers[told] for ask, told in named.items() if told in headers}
