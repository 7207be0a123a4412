"""A request to connect: checked step by step before the upgrade."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import hdrs, web

from streams.errors import ForbiddenError, RequestError, UnauthorizedError
from streams.web.live import protocol
from streams.web.live.clients import client_address, origin_is_allowed
from streams.web.live.cursor import Positions
from streams.web.live.selection import ALL, Parameters, Selection
from streams.web.live.tokens import EVERYBODY, Grant, Tokens, digest_of
from streams.web.settings import LiveSettings

_TRUE = ("1", "true")


@dataclass
class LiveRequest:
    """Who asks, and for what. `position` is where to resume; None: from now on."""

    address: str
    grant: Grant
    digest: bytes
    selection: Selection
    parameters: Parameters
    allow_all: bool
    since: str
    conflate: bool
    provisional: bool
    position: Positions | None = None

    def check_keys(self, keys: Iterable[str]) -> None:
        """Raises ForbiddenError for the first one that isn't allowed."""
        for key in keys:
            if not self.grant.allows(key) or (key == ALL and not self.allow_all):
                raise ForbiddenError(f"Key {key[:80]!r} is not allowed")

    def parameter_of(self, named: str | None) -> str:
        """The parameter that an action means. Raises RequestError."""
        in_use = list(self.selection.as_lists())
        if named is None:
            named = in_use[0] if len(in_use) == 1 else self.parameters.the_only()
        if named is None or named not in self.parameters.topics:
            names = ", ".join(self.parameters.topics)
            raise RequestError("Which parameter is meant?", f'"parameter" may be: {names}')
        return named


class Gatekeeper:
    """Lets requests in; raises RequestError for those that stay outside."""

    def __init__(self, settings: LiveSettings, tokens: Tokens | None) -> None:
        self._settings = settings
        self._tokens = tokens
        self._parameters = Parameters(settings.topics)

    def check(self, request: web.Request) -> LiveRequest:
        """See the class. The cursor's text is only taken over."""
        self._check_origin(request)
        grant, digest = self.authenticate(request)
        if request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL) and protocol.NAME not in _offered(
            request
        ):
            raise RequestError(f"The subprotocol {protocol.NAME} has to be among those offered")
        query = request.query
        selection = Selection(self._parameters, self._settings.max_keys)
        keys = self._parameters.keys_of(query.items())
        asked = LiveRequest(
            address=client_address(
                request.remote,
                request.headers.getall(hdrs.X_FORWARDED_FOR, ()),
                self._settings.trusted_proxies,
            ),
            grant=grant,
            digest=digest,
            selection=selection,
            parameters=self._parameters,
            allow_all=self._settings.allow_all,
            since=query.get("since", ""),
            conflate=query.get("conflate", "").lower() in _TRUE,
            provisional=query.get("provisional", "").lower() in _TRUE,
        )
        for name, wanted in keys.items():
            asked.check_keys(wanted)
            selection.add(name, wanted)
        return asked

    def authenticate(self, request: web.Request) -> tuple[Grant, bytes]:
        """What the request's token allows, and its digest. Raises UnauthorizedError."""
        if self._tokens is None:
            return EVERYBODY, b""
        digest = digest_of(_token(request))
        grant = self._tokens.find(digest)
        if grant is None:
            raise UnauthorizedError(
                "A token is needed, and this is none that is known",
                f"Send it as 'Authorization: Bearer', or as subprotocol '{protocol.BEARER}<token>'",
            )
        return grant, digest

    def _check_origin(self, request: web.Request) -> None:
        origins = request.headers.getall(hdrs.ORIGIN, ())
        if not origin_is_allowed(origins, request.headers.get(hdrs.HOST), self._settings.origins):
            raise ForbiddenError("Pages of this site may not connect")


def _token(request: web.Request) -> str:
    scheme, _, credentials = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    for offered in _offered(request):
        if offered.startswith(protocol.BEARER):
            return offered.removeprefix(protocol.BEARER)
    return ""


def _offered(request: web.Request) -> list[str]:
    headers = request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, ())
    return [name.strip() for header in headers for name in header.split(",")]
