"""User and password: as set, from a file, or from AWS Secrets Manager."""

import json
from pathlib import Path
from typing import NamedTuple

from streams.errors import ClusterAccessError
from streams.login.remembered import Fetched, Remembered
from streams.setting_kinds import Secret

#: Seconds after which a secret is looked up again even if nobody refuses it.
SECRET_SECONDS = 300.0


class Credentials(NamedTuple):
    """A user and its password."""

    username: str
    password: Secret


Login = Remembered[Credentials]


def fixed(username: str, password: Secret) -> Login:
    """Credentials that stay as they are."""
    return Remembered(lambda: Fetched(Credentials(username, password), float("inf")))


def from_file(file: Path) -> Login:
    """The credentials in a file of JSON, which is read for each connection."""

    def fetch() -> Fetched[Credentials]:
        try:
            return Fetched(_parsed(file.read_text(encoding="utf-8")), 0.0)
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else exc
            raise ClusterAccessError(
                f"No user and password can be read from {file}: {reason}",
                "Check KAFKA_SASL_CREDENTIALS_FILE",
            ) from None

    return Remembered(fetch)


def from_secrets_manager(arn: str) -> Login:
    """The credentials in the secret of that ARN. Raises StartError without botocore."""
    from streams.login.secrets_manager import StoredSecret  # needs the extra `aws`

    secret = StoredSecret(arn)

    def fetch() -> Fetched[Credentials]:
        try:
            return Fetched(_parsed(secret.read()), SECRET_SECONDS)
        except (*secret.errors, ValueError) as exc:
            raise ClusterAccessError(
                f"No user and password can be read from {arn}: {exc}",
                "Check KAFKA_SASL_SECRET_ARN, and that we may read the secret",
            ) from None

    return Remembered(fetch)


def _parsed(text: str) -> Credentials:
    """Credentials as MSK stores them. Raises ValueError, without the text."""
    try:
        fields = json.loads(text)
        username, password = fields["username"], fields["password"]
    except (ValueError, KeyError, TypeError):
        raise ValueError('it is no JSON with "username" and "password"') from None
    if not (isinstance(username, str) and isinstance(password, str) and username and password):
        raise ValueError('"username" and "password" must be texts that aren\'t empty')
    return Credentials(username, Secret(password))
