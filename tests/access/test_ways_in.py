"""Each way that MSK lets clients in, and what is said to those it doesn't."""

import json
from pathlib import Path

import pytest
import trustme
from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient

from streams.access import check_access
from streams.errors import ClusterAccessError
from streams.kafka_settings import KafkaSettings
from tests.access.cluster import Secured, replace
from tests.access.tokens import Issuer

PASSWORD = "correct-horse-battery"
WRONG = "canary-that-nobody-may-see"


async def check(variables: dict[str, str]) -> None:
    await check_access(KafkaSettings.from_env(variables))


async def refused(variables: dict[str, str]) -> str:
    with pytest.raises(ClusterAccessError) as caught:
        await check(variables)
    assert WRONG not in repr(caught.value)
    return str(caught.value)


async def test_unauthenticated_tls(secured: Secured) -> None:
    await check(secured.variables("TLS"))
    variables = secured.variables("TLS")
    del variables["KAFKA_SSL_CAFILE"]
    assert "unknown CA" in await refused(variables)


async def test_mutual_tls_follows_its_file(secured: Secured, tmp_path: Path) -> None:
    """A client that was made before connects by what the file holds now."""
    pem = tmp_path / "client.pem"
    pem.write_text(secured.certificate("tally"))
    variables = secured.variables("MUTUAL", KAFKA_SSL_CERTFILE=str(pem))
    await check(variables)
    admin = AIOKafkaAdminClient(**KafkaSettings.from_env(variables).client_options())
    await admin.start()
    try:
        replace(pem, secured.certificate("tally", trustme.CA()))
        await hang_up(admin)
        with pytest.raises(kafka_errors.KafkaError):
            await admin.list_topics()
        replace(pem, secured.certificate("tally"))
        await admin.list_topics()
    finally:
        await admin.close()
    await refused(secured.variables("MUTUAL"))


async def hang_up(admin: AIOKafkaAdminClient) -> None:
    """Close its connections: it makes new ones as it needs them."""
    for connection in list(admin._client._conns.values()):
        await connection.close()


async def test_a_password_in_a_file(secured: Secured, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"username": "filed", "password": PASSWORD}))
    secured.set_password("filed", PASSWORD)
    variables = secured.variables("SCRAM", KAFKA_SASL_CREDENTIALS_FILE=str(file))
    await check(variables)
    replace(file, json.dumps({"username": "filed", "password": WRONG}))
    assert f"the user of {file}" in await refused(variables)
    garbled = tmp_path / "garbled.json"
    garbled.write_text(f'{{"username": "{WRONG}"')
    said = await refused(secured.variables("SCRAM", KAFKA_SASL_CREDENTIALS_FILE=str(garbled)))
    assert "No user and password can be read" in said
    assert "KAFKA_SASL_CREDENTIALS_FILE" in said


async def test_a_token_in_a_file(secured: Secured, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(secured.issuer.token())
    variables = secured.variables(
        "OAUTH", KAFKA_SASL_MECHANISM="OAUTHBEARER", KAFKA_SASL_TOKEN_FILE=str(file)
    )
    await check(variables)
    for token in (
        Issuer().token(),  # signed by somebody else
        secured.issuer.token(aud="somebody-else"),
        secured.issuer.token(life_s=-3600),
        WRONG,
    ):
        replace(file, token)
        assert "its token isn't valid there" in await refused(variables)
    replace(file, secured.issuer.token())
    await check(variables)
