"""Reading the bodies of requests: bounded in bytes, each and together, and in time."""

import asyncio

from aiohttp import web

from streams.errors import TooLargeError, UnavailableError
from streams.ingest.settings import IngestSettings

#: Seconds in which a body has to come.
SECONDS = 30.0


class BodyReader:
    """All bodies that are being read have no more bytes than the buffer may have."""

    def __init__(self, settings: IngestSettings) -> None:
        self._longest = settings.max_body_bytes
        self._room = max(settings.buffer_bytes, settings.max_body_bytes)

    async def read(self, request: web.Request) -> bytes:
        """The whole body; raises RequestErrors, and HTTPRequestTimeout."""
        # Without a length it may be as long as any.
        announced = self._longest if request.content_length is None else request.content_length
        if announced > self._longest:
            raise self._too_large()
        if announced > self._room:
            raise UnavailableError("Too many requests are being read", "Send it again in a moment")
        self._room -= announced
        try:
            async with asyncio.timeout(SECONDS):
                return await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise self._too_large() from None
        except TimeoutError:
            text = f"The body didn't come within {SECONDS:g} s"
            raise web.HTTPRequestTimeout(text=text) from None
        finally:
            self._room += announced

    def _too_large(self) -> TooLargeError:
        return TooLargeError(f"The body is longer than {self._longest:,} bytes")
