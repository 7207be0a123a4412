"""Secrets that AWS Secrets Manager keeps.

botocore comes with the extra `aws`. It finds credentials and endpoints as all AWS clients do;
`AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_SECRETS_MANAGER` lead it elsewhere.
"""

import threading
from typing import Any, ClassVar

from streams.errors import StartError

try:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    from streams.aws import new_session
except ImportError as exc:
    raise StartError(
        "Reading a secret by its ARN needs botocore",
        "Install it: pip install 'tally-streams[aws]'",
    ) from exc

#: Seconds that one attempt to reach AWS may take.
TIMEOUT_SECONDS = 10
ATTEMPTS = 2


class StoredSecret:
    """The text of one secret. Its calls block; any thread may make them."""

    #: What `read` raises.
    errors: ClassVar[Any] = (BotoCoreError, ClientError)

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._lock = threading.Lock()
        self._client: Any = None

    def read(self) -> str:
        """Its present text; empty if it holds bytes."""
        with self._lock:
            if self._client is None:
                self._client = self._connected()
        return str(self._client.get_secret_value(SecretId=self._arn).get("SecretString", ""))

    def _connected(self) -> Any:
        config = Config(
            connect_timeout=TIMEOUT_SECONDS,
            read_timeout=TIMEOUT_SECONDS,
            retries={"total_max_attempts": ATTEMPTS},
        )
        region = self._arn.split(":")[3]
        return new_session().create_client("secretsmanager", region_name=region, config=config)
