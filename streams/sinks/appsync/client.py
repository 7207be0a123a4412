"""Sends requests to AppSync over HTTP, and judges every way in which that can end."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import aiohttp

from streams.answers import read_all
from streams.core import strict_json
from streams.errors import SinkAccessError
from streams.sinks.appsync.auth import Auth
from streams.sinks.appsync.formats import Format, Item
from streams.sinks.appsync.verdicts import (
    REASON_LENGTH,
    Answer,
    Fate,
    Verdict,
    all_alike,
    is_transient,
    objects,
)
from streams.sinks.backoff import retry_after
from streams.sinks.settings import AppSyncSettings

#: Bytes of an answer that are read; AppSync's are never larger than this.
ANSWER_BYTES = 8 * 2**20
_ACCESS = re.compile("The request signature|The security token|Signature |Credential should")


class Client:
    """One worker's connections to one API, shared by all partitions."""

    def __init__(self, settings: AppSyncSettings, format_: Format, auth: Auth) -> None:
        assert settings.url is not None, "a client is made only if there is an API"
        self.format = format_
        self._url = settings.url
        self._auth = auth
        self._seconds = settings.timeout_ms / 1000
        self._concurrency = settings.concurrency
        self._turn = asyncio.Semaphore(settings.concurrency)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, items: Sequence[Item]) -> Answer:
        """Send one request; the answer has a verdict for each item. Raises nothing but a bug."""
        body = self.format.request(items)
        async with self._turn:
            try:
                return await self._post(body, len(items))
            except SinkAccessError as exc:
                return _retry(len(items), str(exc), "access")
            except TimeoutError:
                reason = f"no answer within {self._seconds:g} s"
                return _retry(len(items), reason, "timeout")
            # aiohttp asserts some of what a peer could break.
            except (aiohttp.ClientError, OSError, ValueError, AssertionError) as exc:
                return _retry(len(items), self._auth.masked(repr(exc)), "connection")

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, body: bytes, n: int) -> Answer:
        headers = {
            "Content-Type": "application/json",
            **await self._auth.headers(self._url, body),
        }
        # Redirects are not followed: the key is for this host alone.
        async with self._open_session().post(
            self._url, data=body, headers=headers, allow_redirects=False
        ) as response:
            # Masked as a whole: a reason may quote it up to the middle of a key.
            text = self._auth.masked(
                (await read_all(response, ANSWER_BYTES)).decode(errors="replace")
            )
            status, after = response.status, response.headers.get("Retry-After")
        answer = _parsed(text)
        if status in {401, 403} or (status == 400 and _is_about_access(answer)):
            await self._auth.refused(headers)
            status = 401
        return Answer(self._verdicts(status, answer, text, n), retry_after(after))

    def _verdicts(self, status: int, answer: Any, text: str, n: int) -> list[Verdict]:
        if status == 200:
            return self.format.verdicts(answer, n)
        quoted = text[:REASON_LENGTH].strip()
        reason = f"status {status}: {quoted}" if quoted else f"status {status}"
        refused = status == 413 or (status == 400 and not is_transient(_error_types(answer)))
        if refused:
            return all_alike(n, Verdict(Fate.SPLIT, reason, str(status)))
        return all_alike(n, Verdict(Fate.RETRY, reason, str(status)))

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._concurrency),
                timeout=aiohttp.ClientTimeout(total=self._seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _parsed(text: str) -> Any:
    try:
        return strict_json.parse(text)
    except ValueError:
        return None


def _error_types(answer: Any) -> str:
    """All types of error that an answer names."""
    found = [error.get("errorType") for error in objects(answer, "errors")]
    return " ".join(str(type_) for type_ in found if type_)


def _is_about_access(answer: Any) -> bool:
    """Whether a bad request is one whose signature is wrong or too old: the results are fine."""
    texts = [error.get("message") for error in objects(answer, "errors")]
    return any(_ACCESS.match(str(text)) is not None for text in texts)


def _retry(n: int, reason: str, kind: str) -> Answer:
    return Answer(all_alike(n, Verdict(Fate.RETRY, reason, kind)))
