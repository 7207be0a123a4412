"""Whether a message that came over HTTP was really sent by SNS.

SNS signs some of the fields by a key whose certificate it serves; only certificates from its own
hosts count. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from streams.errors import ForbiddenError, StartError

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_pem_x509_certificate
except ImportError as exc:
    raise StartError(
        "The source sns needs cryptography", "Install it: pip install 'tally-streams[sns]'"
    ) from exc

#: Of all partitions of AWS.
_HOST = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}
#: Certificates kept; SNS has few, and makes new ones seldom.
CERTIFICATES = 16

Fetch = Callable[[str], Awaitable[bytes]]


def is_of_sns(url: str) -> bool:
    """Whether an address belongs to SNS itself."""
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(_HOST.fullmatch(parts.netloc))


class Signatures:
    """Checks signatures; `fetch` gets a certificate's PEM from its address."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._keys: dict[str, RSAPublicKey] = {}

    async def check(self, message: Mapping[str, str]) -> None:
        """Raises ForbiddenError unless SNS has signed this message."""
        try:
            algorithm = _HASHES[message["SignatureVersion"]]()
            signature = base64.b64decode(message["Signature"], validate=True)
            key = await self._key(message["SigningCertURL"])
            key.verify(signature, signed_text(message), PKCS1v15(), algorithm)
        except (KeyError, ValueError, InvalidSignature):
            raise ForbiddenError("The message isn't signed by SNS") from None

    async def _key(self, url: str) -> RSAPublicKey:
        if url in self._keys:
            return self._keys[url]
        if not is_of_sns(url) or not urlsplit(url).path.endswith(".pem"):
            raise ForbiddenError("The message's certificate isn't one of SNS")
        try:
            key = load_pem_x509_certificate(await self._fetch(url)).public_key()
        except ValueError:
            raise ForbiddenError("The message's certificate can't be read") from None
        if not isinstance(key, RSAPublicKey):
            raise ForbiddenError("The message's certificate has no RSA key")
        while len(self._keys) >= CERTIFICATES:
            del self._keys[next(iter(self._keys))]
        self._keys[url] = key
        return key


def signed_text(message: Mapping[str, str]) -> bytes:
    """What SNS signs of a message; raises KeyError if a field is missing."""
    is_notification = message["Type"] == "Notification"
    names = _NOTIFICATION if is_notification else _CONFIRMATION
    # Only a subject may be left out.
    lines = [f"{name}\n{message[name]}\n" for name in names if name != "Subject" or name in message]
    return "".join(lines).encode()
