"""Errors as clients get them over HTTP: problem details (RFC 9457)."""

import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from streams.errors import RequestError

log = logging.getLogger(__name__)

#: Seconds after which a client may ask again.
RETRY_SECONDS = 5

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def problem(status: int, detail: str, retry_after: int = RETRY_SECONDS) -> web.Response:
    """A response of that status, which says in `detail` what is wrong.

    `retry_after` in seconds is for those that may succeed later.
    """
    body = {"title": HTTPStatus(status).phrase, "status": int(status), "detail": detail}
    headers = {"Cache-Control": "no-store"}
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["Retry-After"] = str(retry_after)
    if status == HTTPStatus.UPGRADE_REQUIRED:
        headers["Upgrade"] = "websocket"
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


def use_problem_details(app: web.Application) -> None:
    """Answer all other errors of an application in the same way."""
    app.middlewares.append(_problem_details)


@web.middleware
async def _problem_details(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as exc:
        if exc.status < 400:
            raise
        answer = problem(exc.status, _detail(request, exc))
        if "Allow" in exc.headers:
            answer.headers["Allow"] = exc.headers["Allow"]
        return answer
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return problem(500, "The server failed; its log says why")


def _detail(request: web.Request, exc: web.HTTPException) -> str:
    if exc.status == HTTPStatus.NOT_FOUND:
        return f"There is nothing at {request.path}"
    if exc.status == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{request.path} doesn't answer {request.method}"
    return exc.text or exc.reason
