"""`POST /topics/{topic}`: JSON records over HTTP, answered when Kafka has them.

A client that gets no answer, or 503, doesn't know whether its records are there; it sends them
again with the same `Idempotency-Key`, which is the beginning of their header `ingest-id`.
"""

import asyncio
import re
from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web

from producers.ingest.api_tokens import ApiTokens
from producers.ingest.batch import Delivery
from producers.ingest.bodies import Keys, records_of
from producers.ingest.gateway import Gateway
from producers.ingest.record import Position
from streams.errors import (
    BufferFullError,
    ForbiddenError,
    NotFoundError,
    RequestError,
    TooLargeError,
    UnavailableError,
    UndeliveredError,
)

KEY_HEADER = "X-Record-Key"
IDENTITY_HEADER = "Idempotency-Key"

_IDENTITY = re.compile(r"[\x21-\x7e]{1,200}")


def source(gateway: Gateway) -> "Http":
    """See `Source`."""
    return Http(gateway)


class Http:
    """See the module."""

    def __init__(self, gateway: Gateway) -> None:
        self._settings = gateway.settings.ingest
        self._outlet = gateway.outlet
        self._topics = frozenset(gateway.topics_of("http"))
        file = self._settings.tokens_file
        self._tokens = None if file is None else ApiTokens(file)
        gateway.site.add_post("/topics/{topic}", self.handle)

    async def run(self) -> None:
        await asyncio.Event().wait()  # the site calls

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
            await self._body(request),
            request.content_type,
            self._keys(request),
            _identity(request),
            self._settings.max_batch,
        )
        try:
            delivery = self._outlet.offer(records)
        except UndeliveredError as exc:
            raise TooLargeError(exc.happened, exc.remedy) from exc
        except BufferFullError as exc:
            raise UnavailableError(exc.happened, exc.remedy) from exc
        return _accepted(topic, await self._acknowledged(delivery))

    async def _body(self, request: web.Request) -> bytes:
        limit = self._settings.max_body_bytes
        try:
            return await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise TooLargeError(f"The body is longer than {limit:,} bytes") from None

    def _keys(self, request: web.Request) -> Keys:
        same = request.query.get("key", request.headers.get(KEY_HEADER))
        field = request.query.get("key_field")
        if same is not None and field is not None:
            raise RequestError("A key and a key's field contradict each other", "Send one of them")
        return Keys(same, field.split(".") if field else self._settings.key_field)

    async def _acknowledged(self, delivery: Delivery) -> list[Position]:
        seconds = self._settings.ack_timeout_ms / 1000
        try:
            async with asyncio.timeout(seconds):
                return await delivery.acknowledged()
        except TimeoutError:
            raise UnavailableError(
                f"Kafka hasn't acknowledged the records within {seconds:g} s; it may yet do so",
                f"Send them again with the same {IDENTITY_HEADER}",
            ) from None
        except UndeliveredError as exc:
            raise ForbiddenError(f"Kafka refuses the records: {exc.happened}") from exc


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
