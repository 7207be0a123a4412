"""Passes questions on to other workers, over a bounded number of connections."""

from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from streams.core import strict_json
from streams.core.window_count import WindowCount
from streams.errors import NotOwnerError, NotReadyError, QueryError
from streams.web.queries.question import HOP_HEADER, Hop, Question

#: Seconds for an answer, and for the connection.
ANSWER_SECONDS, CONNECT_SECONDS = 2.0, 1.0
#: Connections in all, and to one worker.
CONNECTIONS, CONNECTIONS_TO_ONE = 64, 16
#: No answer is as long.
MAX_ANSWER_BYTES = 2**20


class Forwarder:
    """See the module. Connects when it is first used; lives in one event loop."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, base: str, question: Question, hop: Hop) -> list[WindowCount]:
        """What the worker at `base` answers; raises NotOwnerError and NotReadyError."""
        headers = {HOP_HEADER: hop.value}
        if question.authorization is not None:
            headers["Authorization"] = question.authorization
        url = URL(f"{base}/hashtags/{segment(question.text)}/open", encoded=True)
        try:
            async with self._connected().get(url, headers=headers, allow_redirects=False) as answer:
                body = await _read(answer)
                return _counts(base, answer.status, body)
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            raise NotReadyError(f"the worker at {base} can't be reached: {exc!r}") from exc

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS, limit_per_host=CONNECTIONS_TO_ONE
                ),
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS, connect=CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


class GatewayCounts:
    """The counts as a gateway gets them: it asks one worker, and the next if that can't tell."""

    def __init__(self, workers: tuple[str, ...], forwarder: Forwarder) -> None:
        self._workers = list(workers)
        self._forwarder = forwarder

    async def ask(self, question: Question) -> list[WindowCount]:
        if question.hop is not Hop.CLIENT:
            raise NotOwnerError("this is a gateway: workers don't pass questions on to it")
        problem: QueryError = NotReadyError("no worker is known")
        for worker in list(self._workers):
            try:
                return await self._forwarder.ask(worker, question, Hop.GATEWAY)
            except QueryError as exc:
                problem = exc
                # The others come first from now on.
                self._workers.remove(worker)
                self._workers.append(worker)
        raise NotReadyError(f"no worker can tell: {problem.happened}") from problem

    async def close(self) -> None:
        await self._forwarder.close()


def segment(text: str) -> str:
    """A text as one segment of a URL's path: dots too, since "." and ".." mean other paths."""
    return quote(text, safe="").replace(".", "%2E")


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for part in answer.content.iter_any():
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            raise NotReadyError(f"{answer.url.origin()} answers with too much")
    return body


def _counts(base: str, status: int, body: bytes) -> list[WindowCount]:
    answer = _json(body)
    if status == 200:
        try:
            return [WindowCount(**one) for one in answer["open"]]
        except (KeyError, TypeError):
            raise NotReadyError(f"{base} answers what isn't a worker's answer") from None
    detail = answer.get("detail", "") if isinstance(answer, dict) else ""
    if status == 421:
        raise NotOwnerError(f"{base} doesn't run the task: {detail}")
    raise NotReadyError(f"{base} answers {status}: {detail}")


def _json(body: bytes) -> Any:
    try:
        return strict_json.parse(body.decode())
    except ValueError:
        return None
