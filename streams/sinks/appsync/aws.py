"""What needs AWS: the API key in Secrets Manager, and requests signed by SigV4.

botocore comes with the extra `aws`. It blocks, so it runs in threads. It finds credentials, region
and endpoints as all AWS clients do; `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_SECRETS_MANAGER` lead
it elsewhere.
"""

import asyncio
import json
import re
from typing import Any

from streams.errors import SinkAccessError, StartError
from streams.login.remembered import Fetched, Remembered
from streams.setting_kinds import Secret
from streams.sinks.appsync.auth import Headers, StoredApiKey

try:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import BotoCoreError

    from streams.aws import new_session
    from streams.login.secrets_manager import StoredSecret
except ImportError as exc:
    raise StartError(
        "STREAMS_APPSYNC_AUTH=iam and STREAMS_APPSYNC_API_KEY_SECRET_ARN need botocore",
        "Install it: pip install 'tally-streams[aws]'",
    ) from exc

#: Names under which a secret in JSON may hold the key.
KEY_FIELDS = ("api_key", "apiKey")

_REGION_OF_HOST = re.compile(r"\.appsync-api\.([a-z0-9-]+)\.")


def stored_api_key(arn: str) -> StoredApiKey:
    """The API key that the secret `arn` holds: as it is, or in JSON as `api_key`."""
    secret = StoredSecret(arn)

    def fetch() -> Fetched[Secret]:
        try:
            return Fetched(Secret(_key_in(secret.read())), float("inf"))
        except (*secret.errors, ValueError) as exc:
            raise SinkAccessError(f"The API key can't be read from {arn}: {exc}") from exc

    return StoredApiKey(Remembered(fetch))


def _key_in(text: str) -> str:
    """The key in a secret's text. Raises ValueError, without the text."""
    key: Any = text.strip()
    if text.lstrip().startswith("{"):
        try:
            fields = json.loads(text)
        except ValueError:
            raise ValueError("the secret begins like JSON, but isn't") from None
        key = next((fields[name] for name in KEY_FIELDS if name in fields), None)
    if not isinstance(key, str) or not key:
        raise ValueError(f"the secret holds no text, and no JSON with {' or '.join(KEY_FIELDS)}")
    return key


class Iam:
    """See `Auth`. Signs each request with the credentials that botocore finds."""

    def __init__(self, url: str) -> None:
        self._session = new_session()
        found = _REGION_OF_HOST.search(url)
        self._region = found[1] if found else self._session.get_config_variable("region")
        if not self._region:
            raise StartError(
                "STREAMS_APPSYNC_AUTH=iam: the region isn't known, and STREAMS_APPSYNC_URL doesn't "
                "tell it",
                "Set AWS_REGION",
            )
        self._credentials: Any = None

    async def headers(self, url: str, body: bytes) -> Headers:
        try:
            return await asyncio.to_thread(self._sign, url, body)
        except BotoCoreError as exc:
            raise SinkAccessError(f"AWS credentials can't be had: {exc}") from exc

    def _sign(self, url: str, body: bytes) -> Headers:
        credentials = self._credentials
        if credentials is None:
            credentials = self._credentials = self._session.get_credentials()
        if credentials is None:
            raise SinkAccessError(
                "There are no AWS credentials", "Give the task a role, or set AWS_ACCESS_KEY_ID"
            )
        request = AWSRequest("POST", url, {"Content-Type": "application/json"}, body)
        # Frozen, for temporary ones may change between the key and its signature.
        SigV4Auth(credentials.get_frozen_credentials(), "appsync", self._region).add_auth(request)
        return dict(request.headers.items())

    async def refused(self, headers: Headers) -> None:  # noqa: ARG002
        """Look for credentials anew."""
        self._credentials = None
        self._session = new_session()

    def masked(self, text: str) -> str:
        """Signatures are not secret."""
        return text
