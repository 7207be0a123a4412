"""Errors of the web server as problem details (RFC 9457): JSON that says what was wrong."""

import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def problem(
    status: int, detail: str, *, retry_after: int | None = None, **members: Any
) -> web.Response:
    """The answer of an error: `detail` is for people; `retry_after` in seconds.

    `members` are further members of the JSON object, for programs.
    """
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}
    headers = {"Cache-Control": "no-store"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type=CONTENT_TYPE, headers=headers)


@web.middleware
async def problem_details(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors that aiohttp or a handler raises into problem details."""
    try:
        return await handler(request)
    except web.HTTPException as exc:
        if exc.status < 400:
            raise
        answer = problem(exc.status, _detail(request, exc))
        for name in ("Allow", "Retry-After", "WWW-Authenticate"):
            if name in exc.headers:
                answer.headers[name] = exc.headers[name]
        return answer
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return problem(500, "The server failed; its log says why")


def _detail(request: web.Request, exc: web.HTTPException) -> str:
    if exc.status == 404:
        return f"There is nothing at {request.path}"
    if exc.status == 405:
        return f"{request.path} doesn't answer {request.method}"
    return exc.text or exc.reason
