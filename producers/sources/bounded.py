"""Answers of APIs, none of them longer than it may be."""

from typing import Any

import aiohttp

from producers.json_text import parse_json


async def json_answer(answer: aiohttp.ClientResponse, max_bytes: int) -> Any:
    """The JSON of an answer; raises ValueError for one that is too long or isn't JSON."""
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > max_bytes:
            raise ValueError("the answer is too long")
    try:
        return parse_json(body)
    except ValueError:
        raise ValueError("the answer isn't JSON") from None
