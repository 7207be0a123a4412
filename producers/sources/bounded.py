"""Answers of APIs, none of them longer than it may be."""

from typing import Any

import aiohttp

from producers.json_text import parse_json
from streams.answers import read_all


async def json_answer(answer: aiohttp.ClientResponse, max_bytes: int) -> Any:
    """The JSON of an answer; raises ValueError for one that is too long or isn't JSON."""
    body = await read_all(answer, max_bytes)
    try:
        return parse_json(body)
    except ValueError:
        raise ValueError("the answer isn't JSON") from None
