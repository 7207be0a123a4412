"""SCRAM credentials in the form that Kafka's storage tool takes."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets

MECHANISM = "SCRAM-SHA-512"
ITERATIONS = 4096
USER_NAME = re.compile(r"[A-Za-z0-9._-]+")


def credential(user: str, password: str) -> str:
    """A user's entry, with the salted password, so that a password may hold any character."""
    if not USER_NAME.fullmatch(user):
        raise ValueError(f"a user's name is made of letters, digits, '.', '_' and '-': {user!r}")
    salt = secrets.token_bytes(32)
    salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return (
        f'{MECHANISM}=[name="{user}",iterations={ITERATIONS},'
        f'salt="{_base64(salt)}",saltedpassword="{_base64(salted)}"]'
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
