"""An HTTP subscription of SNS: `POST /sns`. A notification's message becomes a record.

SNS is answered when Kafka has the record; without an answer it sends it again, by the same id,
which is the record's `ingest-id`. Subscriptions of the topics in STREAMS_INGEST_SNS_TOPICS are
confirmed; what SNS hasn't signed is refused.
"""

import asyncio
import json
import logging
from typing import Any

import aiohttp
from aiohttp import web

from producers.ingest.accepting import accept
from producers.ingest.aws.sns_signature import Signatures, is_of_sns
from producers.ingest.gateway import Gateway
from streams.answers import LongAnswerError, read_all
from streams.errors import ForbiddenError, RequestError, SettingError, UnavailableError

log = logging.getLogger(__name__)

PATH = "/sns"
#: SNS gives up after 15 seconds, and tries again.
ANSWER_SECONDS = 12.0
FETCH_SECONDS = 8.0
#: Bytes of a certificate, or of a confirmation's answer.
MAX_FETCHED = 64 * 1024


def source(gateway: Gateway) -> "Sns":
    """See `Source`."""
    return Sns(gateway)


async def fetch(url: str) -> bytes:
    """What is at an address of SNS; raises UnavailableError."""
    try:
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            return await read_all(answer, MAX_FETCHED)
    except (aiohttp.ClientError, TimeoutError, LongAnswerError) as exc:
        raise UnavailableError(f"SNS itself can't be asked: {type(exc).__name__}") from exc


class Sns:
    """See the module."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._topics = frozenset(gateway.settings.aws_sources.sns_topics)
        if not self._topics:
            raise SettingError("STREAMS_INGEST_SNS_TOPICS", "is needed for the source sns")
        self.fetch = fetch
        self._signatures = Signatures(lambda url: self.fetch(url))
        gateway.site.add_post(PATH, self.handle)

    async def run(self) -> None:
        await asyncio.Event().wait()  # the site calls

    async def handle(self, request: web.Request) -> web.Response:
        """Follow one message of SNS; raises RequestErrors."""
        message = _message(await self._gateway.site.bodies.read(request))
        if message.get("TopicArn") not in self._topics:
            raise ForbiddenError(
                "The message's SNS topic isn't expected", "STREAMS_INGEST_SNS_TOPICS names them"
            )
        await self._signatures.check(message)
        match message["Type"]:
            case "Notification":
                await self._publish(message)
            case "SubscriptionConfirmation":
                await self._confirm(message)
            case "UnsubscribeConfirmation":
                log.warning("The subscription of %s has ended", message["TopicArn"])
            case other:
                raise RequestError(f"{other!r} is no type of message we know")
        return web.Response(status=200)

    async def _publish(self, message: dict[str, str]) -> None:
        record = self._gateway.record(
            "sns", message["Message"].encode(), identity=message["MessageId"]
        )
        try:
            await accept(self._gateway.outlet, [record], ANSWER_SECONDS)
        except ForbiddenError as exc:
            # SNS would take a 4xx for the last word.
            raise UnavailableError(exc.happened, exc.remedy) from exc

    async def _confirm(self, message: dict[str, str]) -> None:
        if not is_of_sns(message["SubscribeURL"]):
            raise ForbiddenError("The subscription isn't confirmed at SNS")
        await self.fetch(message["SubscribeURL"])
        log.info("Subscribed to %s", message["TopicArn"])


def _message(body: bytes) -> dict[str, str]:
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise RequestError("The body isn't JSON") from None
    if not isinstance(found, dict) or not isinstance(found.get("Type"), str):
        raise RequestError("The body is no message of SNS")
    return {name: value for name, value in found.items() if isinstance(value, str)}
