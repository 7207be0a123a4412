"""A CA for one cluster, and the certificate that its brokers share."""

from __future__ import annotations

from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from deploy.local.folder import write_atomically
from deploy.local.ports import HOST

BROKER_NAME = "tally-broker"


def make_certificates(authority: Path, broker: Path) -> None:
    """Write the CA's certificate, and the brokers' key and certificate. The CA's key is dropped."""
    ca = trustme.CA()
    issued = ca.issue_cert(HOST, "localhost", common_name=BROKER_NAME)
    # Kafka reads keys in PKCS #8 only.
    key = load_pem_private_key(issued.private_key_pem.bytes(), password=None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    chain = "".join(certificate.bytes().decode("ascii") for certificate in issued.cert_chain_pems)
    write_atomically(authority, ca.cert_pem.bytes().decode("ascii"))
    write_atomically(broker, pem + chain, mode=0o600)
