"""Kinds of settings that say where a service or a secret is."""

import ipaddress
import re
from urllib.parse import urlsplit

from streams.setting_kinds import Kind

_SECRET_ARN = re.compile(r"arn:[^:]+:secretsmanager:[^:]+:[^:]*:.+")


def secret_arn() -> Kind[str]:
    """The ARN of a secret in AWS Secrets Manager."""

    def parse(raw: str) -> str:
        if not _SECRET_ARN.fullmatch(raw):
            raise ValueError("not the ARN of a secret")
        return raw

    return Kind(parse, "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME")


def service_url() -> Kind[str]:
    """The address of an API. Credentials travel there, so it is https unless it is this machine."""

    def parse(raw: str) -> str:
        url = urlsplit(raw)
        if url.scheme not in {"http", "https"} or not url.hostname or url.port == 0:
            raise ValueError("not a URL")
        if url.username is not None or url.query or url.fragment:
            raise ValueError("it may hold neither user, query nor fragment")
        if url.scheme == "http" and not _is_loopback(url.hostname):
            raise ValueError("not https")
        return raw

    # A refusal must not show a password that somebody has put there.
    return Kind(parse, "an https URL; http for this machine only", is_secret=True)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
