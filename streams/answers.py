"""Answers of servers that we ask over HTTP, read to a limit."""

import aiohttp


class LongAnswerError(ValueError):
    """An answer is longer than it may be."""


async def read_all(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole body; raises LongAnswerError if it has more than `limit` bytes."""
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) > limit:
            # What is left of it is not waited for.
            answer.close()
            raise LongAnswerError(f"the answer is longer than {limit:,} bytes")
    return bytes(body)
