"""How to reach the cluster, and who we are to it: the `KAFKA_*` variables.

Clients get what makes each connection anew: a changed file or secret needs no restart.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from streams.errors import SettingError
from streams.login import connection, password, token
from streams.login.tls import client_context
from streams.login.ways import IAM, OAUTH, check_way
from streams.service_kinds import secret_arn, service_url
from streams.setting_fields import parsed, setting
from streams.setting_kinds import (
    Secret,
    choice,
    host_ports,
    optional,
    readable_file,
    secret,
    text,
)


@dataclass(frozen=True, kw_only=True)
class KafkaSettings:
    """How to reach the cluster. Building one raises SettingError when parts don't fit."""

    bootstrap: tuple[str, ...] = setting(
        "KAFKA_BOOTSTRAP", host_ports(), "127.0.0.1:9092", "brokers to ask first"
    )
    security_protocol: str = setting(
        "KAFKA_SECURITY_PROTOCOL",
        choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
        "PLAINTEXT",
        "how to talk to the brokers",
    )
    sasl_mechanism: str = setting(
        "KAFKA_SASL_MECHANISM",
        choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", OAUTH, IAM),
        "SCRAM-SHA-512",
        "how we prove who we are, with SASL_*",
    )
    sasl_username: str | None = setting(
        "KAFKA_SASL_USERNAME", optional(text()), "", "user, with SASL_*"
    )
    sasl_password: Secret | None = setting(
        "KAFKA_SASL_PASSWORD", optional(secret()), "", "password, with SASL_*"
    )
    sasl_credentials_file: Path | None = setting(
        "KAFKA_SASL_CREDENTIALS_FILE",
        optional(readable_file()),
        "",
        'instead of these two: a file of JSON with "username" and "password"',
    )
    sasl_secret_arn: str | None = setting(
        "KAFKA_SASL_SECRET_ARN",
        optional(secret_arn()),
        "",
        "instead of these two: the same JSON in AWS Secrets Manager",
    )
    sasl_token_file: Path | None = setting(
        "KAFKA_SASL_TOKEN_FILE",
        optional(readable_file()),
        "",
        "with OAUTHBEARER: the file that holds the token",
    )
    sasl_token_url: str | None = setting(
        "KAFKA_SASL_TOKEN_URL",
        optional(service_url()),
        "",
        "with OAUTHBEARER: the server that gives tokens for user and password",
    )
    ssl_cafile: Path | None = setting(
        "KAFKA_SSL_CAFILE",
        optional(readable_file()),
        "",
        "PEM file of the CA that signed the brokers' certificates",
        shown="the system's CAs",
    )
    ssl_certfile: Path | None = setting(
        "KAFKA_SSL_CERTFILE", optional(readable_file()), "", "PEM file of our own certificate"
    )
    ssl_keyfile: Path | None = setting(
        "KAFKA_SSL_KEYFILE",
        optional(readable_file()),
        "",
        "PEM file of our key, unless it is in the certificate's file",
    )
    ssl_password: Secret | None = setting(
        "KAFKA_SSL_PASSWORD", optional(secret()), "", "password of our key"
    )

    def __post_init__(self) -> None:
        self._check_sasl()
        self._check_ssl()

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the `KAFKA_*` variables; raises SettingError."""
        return cls(**parsed(cls, environ))

    @property
    def uses_sasl(self) -> bool:
        return self.security_protocol.startswith("SASL_")

    @property
    def uses_ssl(self) -> bool:
        return self.security_protocol.endswith("SSL")

    @property
    def uses_token(self) -> bool:
        return self.sasl_mechanism in (OAUTH, IAM)

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments for any aiokafka client; raises SettingError for unusable PEM files."""
        return {
            "bootstrap_servers": list(self.bootstrap),
            "security_protocol": self.security_protocol,
            **_security_options(self),
        }

    @property
    def identity(self) -> str:
        """Who we are to the cluster, as far as it is known before we connect."""
        if not self.uses_sasl:
            return "this client"
        if self.sasl_mechanism == IAM:
            return "our IAM role or user"
        if self.sasl_token_file is not None:
            return f"the bearer of the token in {self.sasl_token_file}"
        if self.sasl_username is not None:
            return f"user {self.sasl_username!r}"
        return f"the user of {self.sasl_credentials_file or self.sasl_secret_arn}"

    def _check_sasl(self) -> None:
        given = {
            "KAFKA_SASL_USERNAME": self.sasl_username,
            "KAFKA_SASL_PASSWORD": self.sasl_password,
            "KAFKA_SASL_CREDENTIALS_FILE": self.sasl_credentials_file,
            "KAFKA_SASL_SECRET_ARN": self.sasl_secret_arn,
            "KAFKA_SASL_TOKEN_FILE": self.sasl_token_file,
            "KAFKA_SASL_TOKEN_URL": self.sasl_token_url,
        }
        present = [variable for variable, value in given.items() if value is not None]
        if not self.uses_sasl:
            for variable in present:
                raise self._useless(variable, "SASL_PLAINTEXT, SASL_SSL")
            return
        if self.sasl_mechanism == IAM and self.security_protocol != "SASL_SSL":
            raise SettingError("KAFKA_SECURITY_PROTOCOL", f"doesn't fit {IAM}", "SASL_SSL")
        check_way(self.sasl_mechanism, present)

    def _check_ssl(self) -> None:
        files = {
            "KAFKA_SSL_CAFILE": self.ssl_cafile,
            "KAFKA_SSL_CERTFILE": self.ssl_certfile,
            "KAFKA_SSL_KEYFILE": self.ssl_keyfile,
        }
        if not self.uses_ssl:
            for variable, value in files.items():
                if value is not None:
                    raise self._useless(variable, "SSL, SASL_SSL")
        if self.ssl_keyfile is not None and self.ssl_certfile is None:
            raise SettingError("KAFKA_SSL_CERTFILE", "is needed with KAFKA_SSL_KEYFILE")

    def _useless(self, variable: str, protocols: str) -> SettingError:
        """Refused rather than ignored: who sets it believes the connection is protected."""
        return SettingError(
            "KAFKA_SECURITY_PROTOCOL",
            f"{self.security_protocol} makes no use of {variable}, which is set",
            f"{protocols}, or leave {variable} unset",
        )


# One for the whole process: hundreds of clients then share what one look has brought, and a client
# that is made while files are being replaced has the former ones, too.
@functools.lru_cache(maxsize=16)
def _security_options(kafka: KafkaSettings) -> Mapping[str, Any]:
    options: dict[str, Any] = {}
    if kafka.uses_ssl:
        options["ssl_context"] = client_context(
            kafka.ssl_cafile, kafka.ssl_certfile, kafka.ssl_keyfile, kafka.ssl_password
        )
    if not kafka.uses_sasl:
        return options
    connection.install()
    if kafka.uses_token:
        return options | {"sasl_mechanism": OAUTH, "sasl_oauth_token_provider": _tokens(kafka)}
    return options | {
        "sasl_mechanism": kafka.sasl_mechanism,
        # Both come from the login; aiokafka wants that there is a name.
        "sasl_plain_username": kafka.sasl_username or "",
        "sasl_plain_password": _login(kafka),
    }


def _tokens(kafka: KafkaSettings) -> token.TokenSource:
    if kafka.sasl_mechanism == IAM:
        return token.from_iam(kafka.bootstrap)
    if kafka.sasl_token_file is not None:
        return token.from_file(kafka.sasl_token_file)
    assert kafka.sasl_token_url is not None, "checked when the settings were made"
    return token.from_server(kafka.sasl_token_url, _login(kafka).now)


def _login(kafka: KafkaSettings) -> password.Login:
    if kafka.sasl_secret_arn is not None:
        return password.from_secrets_manager(kafka.sasl_secret_arn)
    if kafka.sasl_credentials_file is not None:
        return password.from_file(kafka.sasl_credentials_file)
    assert kafka.sasl_username is not None, "checked when the settings were made"
    assert kafka.sasl_password is not None
    return password.fixed(kafka.sasl_username, kafka.sasl_password)
