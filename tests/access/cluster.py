"""A broker that lets clients in as MSK does: each way on a listener of its own."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trustme

from deploy.local import LocalKafka
from deploy.local.certificates import make_certificates
from deploy.local.client import run
from streams.access import check_access
from streams.errors import ClusterAccessError
from streams.kafka_settings import KafkaSettings
from tests.access.tokens import AUDIENCE, ISSUER, Issuer
from tests.application import QUICK
from tests.polling import until
from tests.scene import Scene

LISTENERS = {"TLS": "SSL", "MUTUAL": "SSL", "SCRAM": "SASL_SSL", "OAUTH": "SASL_SSL"}
MECHANISM = "SCRAM-SHA-512"
#: A listener behind a proxy, which does what only MSK's own brokers do: check tokens of IAM.
DETOUR = "IAM"
#: The broker hangs up on a client that was let in so long ago: as many logins as a rotation needs.
LOGIN_MS = 4_000
JAAS = "org.apache.kafka.common.security"


class Secured:
    """The cluster, who may come in, and what they come in with. A context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.issuer = Issuer()
        self.clients = trustme.CA()
        self.authority = folder / "ca.pem"
        make_certificates(self.authority, folder / "broker.pem")
        self.clients.cert_pem.write_to_path(str(folder / "clients.pem"))
        keys = folder / "jwks.json"
        keys.write_text(self.issuer.jwks())
        self.kafka = LocalKafka(
            detours=(DETOUR,),
            listeners=LISTENERS,
            config={**_tls(folder), **_passwords(), **_tokens(keys.as_uri())},
            java_options=[f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={keys.as_uri()}"],
        )

    def __enter__(self) -> "Secured":
        self.kafka.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kafka.stop()

    def variables(self, listener: str, **more: str) -> dict[str, str]:
        """What a client of that listener is told."""
        return {
            "KAFKA_BOOTSTRAP": self.kafka.listener(listener),
            "KAFKA_SECURITY_PROTOCOL": LISTENERS[listener],
            "KAFKA_SSL_CAFILE": str(self.authority),
            **more,
        }

    def set_password(self, user: str, password: str) -> None:
        """Give a SCRAM user another password; the one before is worth nothing from now on."""
        command = self.kafka.tool(
            "kafka.admin.ConfigCommand",
            *("--bootstrap-server", self.kafka.bootstrap, "--alter"),
            *("--entity-type", "users", "--entity-name", user),
            *("--add-config", f"{MECHANISM}=[iterations=4096,password={password}]"),
        )
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        # The broker learns of it after the controller has answered.
        until(lambda: self._lets_in(user, password), f"{user} is let in by the new password")

    def _lets_in(self, user: str, password: str) -> bool:
        login = {"KAFKA_SASL_USERNAME": user, "KAFKA_SASL_PASSWORD": password}
        settings = KafkaSettings.from_env(self.variables("SCRAM", **login))
        try:
            # In a thread of its own, for an event loop may run in this one.
            run(check_access(settings))
        except ClusterAccessError:
            return False
        return True

    def certificate(self, name: str, authority: trustme.CA | None = None) -> str:
        """A client's key and certificate as PEM."""
        issued = (authority or self.clients).issue_cert(f"{name}.test", common_name=name)
        return bytes(issued.private_key_and_cert_chain_pem.bytes()).decode()


class Listener:
    """What a test runs on: workers come in as `variables` say, what looks at them plainly.

    A consumer of aiokafka's that is stopped while its connection breaks may raise; that of a
    worker is stopped with care, those of the tests aren't.
    """

    def __init__(self, kafka: LocalKafka, variables: Mapping[str, str]) -> None:
        self._kafka = kafka
        self._variables = {**variables, **QUICK}

    def env(self) -> dict[str, str]:
        """What a worker is told."""
        return dict(self._variables)

    def client_options(self) -> dict[str, Any]:
        """What clients of the tests are made with."""
        return self._kafka.client_options()

    def scene(self, name: str, folder: Path) -> Scene:
        """An application whose load comes in as its worker does."""
        load_options = KafkaSettings.from_env(self._variables).client_options()
        return Scene(self, name, folder, partitions=2, load_options=load_options)


def replace(file: Path, text: str) -> None:
    """Write a file as those do it whom others watch."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(text)
    os.replace(beside, file)  # noqa: PTH105


def _tls(folder: Path) -> dict[str, str]:
    stores = {}
    for name in LISTENERS:
        prefix = f"listener.name.{name.lower()}.ssl."
        stores[f"{prefix}keystore.type"] = "PEM"
        stores[f"{prefix}keystore.location"] = str(folder / "broker.pem")
    prefix = "listener.name.mutual.ssl."
    return {
        **stores,
        f"{prefix}truststore.type": "PEM",
        f"{prefix}truststore.location": str(folder / "clients.pem"),
        f"{prefix}client.auth": "required",
    }


def _passwords() -> dict[str, str]:
    prefix = "listener.name.scram."
    return {
        f"{prefix}sasl.enabled.mechanisms": MECHANISM,
        f"{prefix}{MECHANISM.lower()}.sasl.jaas.config": f"{JAAS}.scram.ScramLoginModule required;",
        f"{prefix}{MECHANISM.lower()}.connections.max.reauth.ms": str(LOGIN_MS),
    }


def _tokens(keys: str) -> dict[str, str]:
    prefix = "listener.name.oauth."
    handler = f"{JAAS}.oauthbearer.OAuthBearerValidatorCallbackHandler"
    module = f"{JAAS}.oauthbearer.OAuthBearerLoginModule required;"
    return {
        f"{prefix}sasl.enabled.mechanisms": "OAUTHBEARER",
        f"{prefix}oauthbearer.sasl.jaas.config": module,
        f"{prefix}oauthbearer.sasl.server.callback.handler.class": handler,
        f"{prefix}oauthbearer.connections.max.reauth.ms": str(LOGIN_MS),
        # By default, 4.1 takes the validator of clients, which looks at no signature.
        "sasl.oauthbearer.jwt.validator.class": f"{JAAS}.oauthbearer.BrokerJwtValidator",
        "sasl.oauthbearer.jwks.endpoint.url": keys,
        "sasl.oauthbearer.expected.audience": AUDIENCE,
        "sasl.oauthbearer.expected.issuer": ISSUER,
    }
