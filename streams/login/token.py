"""Tokens of OAUTHBEARER: from a file, an OAuth server, or signed by IAM as MSK wants it."""

import base64
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from aiokafka.abc import AbstractTokenProvider

from streams.errors import ClusterAccessError, SettingError, StartError
from streams.login.password import Credentials
from streams.login.remembered import Fetched, Remembered
from streams.setting_kinds import Secret

#: The part of its life for which a token is used; what is left allows for a slow connection.
USED_PART = 0.8
#: Seconds that a token is used for whose server doesn't say how long it lives.
UNKNOWN_SECONDS = 60.0
TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 2**20

_MSK_HOST = re.compile(r"\.(?:kafka|kafka-serverless)\.([a-z0-9-]+)\.amazonaws\.com")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the credentials elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


class TokenSource(AbstractTokenProvider):
    """Where each connection gets its token from; what aiokafka's clients are given."""

    def __init__(self, tokens: Remembered[Secret]) -> None:
        self.tokens = tokens

    async def token(self) -> str:
        return (await self.tokens.current()).reveal()


def from_file(file: Path) -> TokenSource:
    """The token in a file, which is read for each connection."""

    def fetch() -> Fetched[Secret]:
        try:
            text = file.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "not ASCII"
            raise _no_token(str(file), reason, "KAFKA_SASL_TOKEN_FILE") from None
        if not text:
            raise _no_token(str(file), "it is empty", "KAFKA_SASL_TOKEN_FILE")
        return Fetched(Secret(text), 0.0)

    return TokenSource(Remembered(fetch))


def from_server(url: str, credentials: Callable[[], Credentials]) -> TokenSource:
    """Tokens that the OAuth server at `url` gives for a client's credentials (RFC 6749, 4.4)."""

    def fetch() -> Fetched[Secret]:
        try:
            with _OPENER.open(_request(url, credentials()), timeout=TIMEOUT_SECONDS) as response:
                answer = json.loads(response.read(MAX_ANSWER_BYTES))
            token, life_s = answer["access_token"], answer.get("expires_in")
            used_s = USED_PART * float(life_s) if life_s else UNKNOWN_SECONDS
            if not isinstance(token, str) or not token.isascii():
                raise ValueError
        except (OSError, ValueError, KeyError, TypeError) as exc:
            # Never the answer itself: it may hold a token.
            what = f"HTTP {exc.code}" if isinstance(exc, urllib.error.HTTPError) else _brief(exc)
            raise _no_token(url, what, "KAFKA_SASL_TOKEN_URL and the credentials") from None
        return Fetched(Secret(token), used_s)

    return TokenSource(Remembered(fetch))


def from_iam(bootstrap: Iterable[str]) -> TokenSource:
    """Tokens signed with the AWS credentials of the moment, as MSK's access by IAM wants them.

    Raises StartError without the extra `aws`, SettingError if no region is known.
    """
    try:
        from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
    except ImportError as exc:
        raise StartError(
            "KAFKA_SASL_MECHANISM=AWS_MSK_IAM needs aws-msk-iam-sasl-signer-python",
            "Install it: pip install 'tally-streams[aws]'",
        ) from exc
    region = _region(bootstrap)

    def fetch() -> Fetched[Secret]:
        try:
            token, expires_ms = MSKAuthTokenProvider.generate_auth_token(region)
        except Exception as exc:
            # Without credentials it fails by an AttributeError, else in any of botocore's ways.
            missing = isinstance(exc, AttributeError)
            reason = "there are no AWS credentials" if missing else _brief(exc)
            raise ClusterAccessError(
                f"No IAM token can be signed: {reason}",
                "Give the task a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            ) from None
        return Fetched(Secret(token), USED_PART * (expires_ms / 1000 - time.time()))

    return TokenSource(Remembered(fetch))


def _region(bootstrap: Iterable[str]) -> str:
    for broker in bootstrap:
        if found := _MSK_HOST.search(broker):
            return found[1]
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise SettingError(
            "AWS_REGION",
            "is needed with AWS_MSK_IAM, since KAFKA_BOOTSTRAP doesn't tell the region",
            "the cluster's region, such as eu-central-1",
        )
    return region


def _request(url: str, credentials: Credentials) -> urllib.request.Request:
    pair = (credentials.username, credentials.password.reveal())
    basic = ":".join(urllib.parse.quote(part, safe="") for part in pair)
    return urllib.request.Request(
        url,
        data=urllib.parse.urlencode({"grant_type": "client_credentials"}).encode(),
        headers={
            "Authorization": f"Basic {base64.b64encode(basic.encode()).decode()}",
            "Accept": "application/json",
        },
    )


def _no_token(where: str, reason: Any, check: str) -> ClusterAccessError:
    return ClusterAccessError(f"No token can be had from {where}: {reason}", f"Check {check}")


def _brief(exc: BaseException) -> str:
    reason = getattr(exc, "reason", None)
    return str(reason) if isinstance(reason, OSError) else type(exc).__name__
