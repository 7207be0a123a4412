"""`POST /topics/{topic}`: JSON records over HTTP, answered when Kafka has them.

A client that gets no answer, or 503, doesn't know whether its records are there; it sends them
again with the same `Idempotency-Key`, which is the beginning of their header `ingest-id`.
"""

import asyncio
import re
from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web

from producers.ingest.accepting import accept
from producers.ingest.api_tokens import ApiTokens
from producers.ingest.bodies import Keys, records_of
from producers.ingest.gateway import Gateway, topics_of
from producers.ingest.record import Position
from streams.errors import NotFoundError, RequestError

KEY_HEADER = "X-Record-Key"
IDENTITY_HEADER = "Idempotency-Key"
#: Seconds between looks at the file of tokens.
REREAD_SECONDS = 2.0

_IDENTITY = re.compile(r"[\x21-\x7e]{1,200}")


def source(gateway: Gateway) -> "Http":
    """See `Source`."""
    return Http(gateway)


class Http:
    """See the module."""

    def __init__(self, gateway: Gateway) -> None:
        self._settings = gateway.settings.ingest
        self._outlet = gateway.outlet
        self._formats = gateway.formats
        self._topics = frozenset(topics_of(gateway.settings, "http"))
        file = self._settings.tokens_file
        self._tokens = None if file is None else ApiTokens(file)
        self._bodies = gateway.site.bodies
        gateway.site.add_post("/topics/{topic}", self.handle)

    async def run(self) -> None:
        """The site calls `handle`; meanwhile this follows the file of tokens."""
        while True:
            await asyncio.sleep(REREAD_SECONDS)
            if self._tokens is not None:
                await asyncio.to_thread(self._tokens.reread)

    async def handle(self, request: web.Request) -> web.Response:
        """Publish the records of one request; raises RequestErrors."""
        if self._tokens is not None:
            self._tokens.check(request.headers.get("Authorization", ""))
        topic = request.match_info["topic"]
        if topic not in self._topics:
            raise NotFoundError(
                f"{topic!r} isn't among the topics that take records over HTTP",
                "STREAMS_INGEST_TOPICS names them",
            )
        records = records_of(
            topic,
            await self._bodies.read(request),
            request.content_type,
            self._keys(request),
            _identity(request),
            self._settings.max_batch,
        )
        encoded = self._formats.all_encoded(records)
        seconds = self._settings.ack_timeout_ms / 1000
        return _accepted(topic, await accept(self._outlet, encoded, seconds))

    def _keys(self, request: web.Request) -> Keys:
        same = request.query.get("key", request.headers.get(KEY_HEADER))
        field = request.query.get("key_field")
        if same is not None and field is not None:
            raise RequestError("A key and a key's field contradict each other", "Send one of them")
        return Keys(same, field.split(".") if field else self._settings.key_field)


def _identity(request: web.Request) -> str:
    identity = request.headers.get(IDENTITY_HEADER, "")
    if identity and not _IDENTITY.fullmatch(identity):
        raise RequestError(f"{IDENTITY_HEADER} has more than 200 characters, or unusual ones")
    return identity


def _accepted(topic: str, positions: Sequence[Position]) -> web.Response:
    # Written by hand, for it is done for each record.
    listed = ",".join(f'{{"partition":{at.partition},"offset":{at.offset}}}' for at in positions)
    text = f'{{"topic":"{topic}","offsets":[{listed}]}}'
    return web.Response(
        body=text.encode(), status=HTTPStatus.ACCEPTED, content_type="application/json"
    )
