"""A secured cluster: TLS everywhere, SCRAM users for clients, access rules for everything.

Brokers and controllers prove themselves to each other by their certificate, which must come from
the CA made for this one cluster. Clients come through a listener of their own, by TLS with user
and password, and may do what an access rule allows; only the admin needs no rule.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from deploy.local.certificates import BROKER_NAME, make_certificates
from deploy.local.errors import DataFolderError
from deploy.local.folder import write_atomically
from deploy.local.properties import CLIENT, CONTROLLER, INTERNAL
from deploy.local.scram import MECHANISM, credential

ADMIN = "admin"
DEFAULT_USER = "tally"
LOGIN_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"
AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"


class SaslSsl:
    """Certificates and users in a folder that only their owner can read."""

    def __init__(self, folder: Path, users: Mapping[str, str] | None) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._authority = folder / "ca.pem"
        self._broker_pem = folder / "broker.pem"
        self._arguments = folder / "format-arguments"
        if not self._broker_pem.exists():
            make_certificates(self._authority, self._broker_pem)
        self._passwords = _load_or_make_passwords(folder / "users.json", users or {})

    def broker_properties(self) -> Mapping[str, str]:
        return {
            "listener.security.protocol.map": f"{CLIENT}:SASL_SSL,{INTERNAL}:SSL,{CONTROLLER}:SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._broker_pem),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self._authority),
            f"listener.name.{INTERNAL.lower()}.ssl.client.auth": "required",
            f"listener.name.{CONTROLLER.lower()}.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": f"RULE:^CN={BROKER_NAME},.*$/{BROKER_NAME}/,DEFAULT",
            "sasl.enabled.mechanisms": MECHANISM,
            f"listener.name.{CLIENT.lower()}.{MECHANISM.lower()}.sasl.jaas.config": (
                f"{LOGIN_MODULE} required;"
            ),
            "authorizer.class.name": AUTHORIZER,
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:{ADMIN};User:{BROKER_NAME}",
        }

    def format_arguments(self) -> list[str]:
        # By way of a file: anyone on the machine may read a process's command line.
        lines: list[str] = []
        for user, password in self._passwords.items():
            lines += ["--add-scram", credential(user, password)]
        write_atomically(self._arguments, "\n".join(lines) + "\n", mode=0o600)
        return [f"@{self._arguments}"]

    def client_env(self, user: str | None) -> dict[str, str]:
        name = user or DEFAULT_USER
        if name not in self._passwords:
            raise ValueError(f"there is no user {name!r}, only {', '.join(self._passwords)}")
        return {
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": MECHANISM,
            "KAFKA_SASL_USERNAME": name,
            "KAFKA_SASL_PASSWORD": self._passwords[name],
            "KAFKA_SSL_CAFILE": str(self._authority),
        }

    def admin_env(self) -> dict[str, str]:
        return self.client_env(ADMIN)


def _load_or_make_passwords(file: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The users as they were when the folder was made: later ones would not be in the brokers."""
    if BROKER_NAME in given:
        raise ValueError(f"{BROKER_NAME!r} is the brokers' own name")
    if not file.exists():
        generated = {name: secrets.token_urlsafe(24) for name in (ADMIN, DEFAULT_USER)}
        write_atomically(file, json.dumps({**generated, **given}), mode=0o600)
    passwords: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    if changed := [name for name in given if passwords.get(name) != given[name]]:
        raise DataFolderError(
            f"{file.parent.parent} was made without the user(s) {', '.join(changed)}, or with "
            "another password"
        )
    return passwords
