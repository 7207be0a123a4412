"""Puts our clients' certificate and its key into a secret.

That is when it is issued, and each time ACM renews it. The key stays encrypted; its password is a
secret of its own.
"""

import json
import os
import time
from collections.abc import Mapping
from typing import Any

import botocore.session
from answering import Event, answer

#: A private CA issues within seconds.
WAIT_SECONDS = 240
PAUSE_SECONDS = 5


def handler(event: Event, _context: object) -> None:
    """For `Custom::ClientCertificate`, whose attribute is SecretArn, and for ACM's events."""
    if "ResponseURL" in event:
        answer(event, export)
    else:
        export({})


def export(_properties: Mapping[str, Any]) -> dict[str, str]:
    """Write the secret, as Lambda's Kafka consumers want it, and as a PEM file (`bundle`)."""
    session = botocore.session.get_session()
    secrets = session.create_client("secretsmanager")
    password = secrets.get_secret_value(SecretId=os.environ["PASSWORD_SECRET_ARN"])["SecretString"]
    exported = _issued(session.create_client("acm"), os.environ["CERTIFICATE_ARN"], password)
    certificate, chain, key = (
        exported[name].strip() + "\n" for name in ("Certificate", "CertificateChain", "PrivateKey")
    )
    content = {
        "certificate": certificate + chain,
        "privateKey": key,
        "privateKeyPassword": password,
        "bundle": certificate + chain + key,
    }
    arn = os.environ["BUNDLE_SECRET_ARN"]
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(content))
    return {"SecretArn": arn}


def _issued(acm: Any, arn: str, password: str) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] != "ISSUED":
        if time.monotonic() > deadline:
            raise RuntimeError(f"{arn} hasn't been issued within {WAIT_SECONDS} s")
        time.sleep(PAUSE_SECONDS)
    return acm.export_certificate(CertificateArn=arn, Passphrase=password.encode())
