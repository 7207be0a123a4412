"""Errors as clients get them over HTTP: problem details (RFC 9457)."""

import json
from http import HTTPStatus

from aiohttp import web

from streams.errors import RequestError

#: Seconds after which a client may ask again.
RETRY_SECONDS = 5


def problem(status: int, detail: str) -> web.Response:
    """A response of that status, which says in `detail` what is wrong."""
    body = {"title": HTTPStatus(status).phrase, "status": int(status), "detail": detail}
    headers = {"Cache-Control": "no-store"}
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["Retry-After"] = str(RETRY_SECONDS)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return web.Response(
        text=json.dumps(body, ensure_ascii=False),
        status=status,
        content_type="application/problem+json",
        headers=headers,
    )


def problem_of(exc: RequestError) -> web.Response:
    """The response to a request that can't be followed."""
    return problem(exc.status, str(exc))
