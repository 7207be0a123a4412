"""How to reach the cluster: the `KAFKA_*` variables."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from streams.errors import SettingError
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
        choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
        "SCRAM-SHA-512",
        "how the password is proved, with SASL_*",
    )
    sasl_username: str | None = setting(
        "KAFKA_SASL_USERNAME", optional(text()), "", "user, with SASL_*"
    )
    sasl_password: Secret | None = setting(
        "KAFKA_SASL_PASSWORD", optional(secret()), "", "password, with SASL_*"
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

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments for any aiokafka client; raises SettingError for unusable PEM files."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.bootstrap),
            "security_protocol": self.security_protocol,
        }
        if self.uses_ssl:
            options["ssl_context"] = self._ssl_context()
        if self.sasl_password is not None:
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.sasl_password.reveal()
        return options

    def _check_sasl(self) -> None:
        credentials = {
            "KAFKA_SASL_USERNAME": self.sasl_username,
            "KAFKA_SASL_PASSWORD": self.sasl_password,
        }
        for variable, value in credentials.items():
            if self.uses_sasl and value is None:
                raise SettingError(variable, f"is needed with {self.security_protocol}")
            if not self.uses_sasl and value is not None:
                raise self._useless(variable, "SASL_PLAINTEXT, SASL_SSL")

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

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ssl_cafile)
        except (ssl.SSLError, OSError) as exc:
            raise SettingError("KAFKA_SSL_CAFILE", f"can't be used: {exc}", "a PEM file") from exc
        if self.ssl_certfile is not None:
            password = self.ssl_password.reveal() if self.ssl_password is not None else ""
            try:
                # Without a password OpenSSL would ask for one on the terminal, and wait.
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile, lambda: password)
            except (ssl.SSLError, OSError) as exc:
                problem = f"can't be used with its key and KAFKA_SSL_PASSWORD: {exc}"
                raise SettingError("KAFKA_SSL_CERTFILE", problem, "a PEM file") from exc
        return context
