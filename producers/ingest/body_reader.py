"""Reading the bodies of requests: bounded in bytes, each and together, and in time."""

import asyncio

from aiohttp import web

from streams.errors import RequestError, TooLargeError, UnavailableError
from streams.ingest.settings import IngestSettings

#: Seconds in which a body has to come.
SECONDS = 30.0


class BodyReader:
    """All bodies that are being read have no more bytes than the buffer may have."""

    def __init__(self, settings: IngestSettings) -> None:
        self._longest = settings.max_body_bytes
        self._most = max(settings.buffer_bytes, settings.max_body_bytes)
        self._together = 0

    async def read(self, request: web.Request) -> bytes:
        """The whole body; raises RequestErrors, and HTTPRequestTimeout."""
        if (request.content_length or 0) > self._longest:
            raise self._too_large()
        body = bytearray()
        try:
            async with asyncio.timeout(SECONDS):
                async for part in request.content.iter_any():
                    body += part
                    self._together += len(part)
                    self._check(len(body))
            return bytes(body)
        except ConnectionError:
            raise RequestError("The body broke off") from None  # nobody hears it
        except TimeoutError:
            text = f"The body didn't come within {SECONDS:g} s"
            raise web.HTTPRequestTimeout(text=text) from None
        finally:
            self._together -= len(body)

    def _check(self, read: int) -> None:
        if read > self._longest:
            raise self._too_large()
        if self._together > self._most:
            raise UnavailableError("Too many requests are being read", "Send it again in a moment")

    def _too_large(self) -> TooLargeError:
        return TooLargeError(f"The body is longer than {self._longest:,} bytes")
