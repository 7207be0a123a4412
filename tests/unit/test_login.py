"""Who we are to Kafka: what is remembered, which settings go together, and IAM's tokens."""

import asyncio
import base64
import json
import os
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as AwsCredentials

from streams.errors import ClusterAccessError, SettingError
from streams.kafka_settings import KafkaSettings
from streams.login.remembered import REFUSED_SECONDS, Fetched, Remembered
from streams.login.tls import ReloadingContext
from streams.login.token import TokenSource

OAUTH = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "OAUTHBEARER"}
IAM = OAUTH | {"KAFKA_SASL_MECHANISM": "AWS_MSK_IAM"}
SCRAM = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
USER = {"KAFKA_SASL_USERNAME": "someone", "KAFKA_SASL_PASSWORD": "hunter2-hunter2"}
ARN = {"KAFKA_SASL_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:1:secret:AmazonMSK_x"}
URL = {"KAFKA_SASL_TOKEN_URL": "https://issuer.test/token"}


class Fetches:
    """Answers with 1, 2, ...; fails while `broken`."""

    def __init__(self) -> None:
        self.count = 0
        self.broken = False
        self.now = 0.0

    def __call__(self) -> Fetched[int]:
        if self.broken:
            raise ClusterAccessError("broken")
        self.count += 1
        return Fetched(self.count, 10.0)


async def test_what_is_remembered_and_when_it_is_fetched_again() -> None:
    fetches = Fetches()
    remembered = Remembered(fetches, lambda: fetches.now)
    assert await asyncio.gather(*(remembered.current() for _ in range(20))) == [1] * 20
    fetches.now = 9.9
    assert await remembered.current() == 1
    fetches.now = 10.0
    assert await remembered.current() == 2
    assert await remembered.renewed() == 2, "refusals don't make us ask too often"
    fetches.now += REFUSED_SECONDS
    assert await remembered.renewed() == 3
    fetches.broken = True
    fetches.now += 100
    assert await remembered.current() == 3, "what was read before stays in use"
    fetches.broken = False
    assert await remembered.current() == 4


async def test_nothing_is_remembered_before_it_was_there() -> None:
    fetches = Fetches()
    fetches.broken = True
    remembered = Remembered(fetches)
    with pytest.raises(ClusterAccessError):
        await remembered.current()
    fetches.broken = False
    assert await remembered.current() == 1


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        (SCRAM | {"KAFKA_SASL_USERNAME": "x"} | ARN, "KAFKA_SASL_USERNAME"),
        (SCRAM | USER | ARN, "KAFKA_SASL_SECRET_ARN"),
        (SCRAM | {"KAFKA_SASL_SECRET_ARN": "my-secret"}, "KAFKA_SASL_SECRET_ARN"),
        (SCRAM | USER | URL, "KAFKA_SASL_MECHANISM"),
        (OAUTH, "KAFKA_SASL_TOKEN_FILE"),
        (OAUTH | USER, "KAFKA_SASL_TOKEN_URL"),
        (OAUTH | URL, "KAFKA_SASL_CREDENTIALS_FILE"),
        (OAUTH | URL | {"KAFKA_SASL_TOKEN_FILE": os.devnull}, "KAFKA_SASL_TOKEN_URL"),
        (OAUTH | USER | {"KAFKA_SASL_TOKEN_URL": "http://far.test"}, "KAFKA_SASL_TOKEN_URL"),
        (IAM | USER, "KAFKA_SASL_MECHANISM"),
        (IAM | {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, "KAFKA_SECURITY_PROTOCOL"),
        (ARN, "KAFKA_SECURITY_PROTOCOL"),
    ],
)
def test_settings_that_do_not_fit_together(environ: dict[str, str], variable: str) -> None:
    with pytest.raises(SettingError) as caught:
        KafkaSettings.from_env(environ)
    assert caught.value.name == variable
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "environ",
    [SCRAM | USER, SCRAM | ARN, OAUTH | URL | USER, OAUTH | URL | ARN, IAM],
)
def test_settings_that_fit_together(environ: dict[str, str]) -> None:
    assert KafkaSettings.from_env(environ).uses_sasl


def iam_source(bootstrap: str) -> TokenSource:
    kafka = KafkaSettings.from_env(IAM | {"KAFKA_BOOTSTRAP": bootstrap})
    options = kafka.client_options()
    assert options["sasl_mechanism"] == "OAUTHBEARER"
    source: TokenSource = options["sasl_oauth_token_provider"]
    return source


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


@pytest.mark.usefixtures("aws")
async def test_iam_signs_with_the_credentials_of_the_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = iam_source("b-1.x.c2.kafka.eu-central-1.amazonaws.com:9098")
    with pytest.raises(ClusterAccessError, match="no AWS credentials"):
        await source.token()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    token = await source.token()
    signed = base64.urlsafe_b64decode(token + "==").decode()
    url = urlsplit(signed)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert url.netloc == "kafka.eu-central-1.amazonaws.com"
    assert query["Action"] == "kafka-cluster:Connect"
    assert "/eu-central-1/kafka-cluster/aws4_request" in query["X-Amz-Credential"]
    # The signature is one that AWS would compute, too.
    signer = SigV4QueryAuth(
        AwsCredentials("AKIAKEY", "very-secret"), "kafka-cluster", "eu-central-1", expires=900
    )
    unsigned = {k: v for k, v in query.items() if k not in ("X-Amz-Signature", "User-Agent")}
    request = AWSRequest(
        "GET", f"https://{url.netloc}/", params=unsigned, headers={"host": url.netloc}
    )
    request.context["timestamp"] = query["X-Amz-Date"]
    canonical = signer.string_to_sign(request, _canonical(unsigned, url.netloc))
    assert signer.signature(canonical, request) == query["X-Amz-Signature"]
    assert "very-secret" not in signed


def _canonical(query: dict[str, str], host: str) -> str:
    from urllib.parse import quote

    pairs = (f"{quote(k, safe='')}={quote(v, safe='-_.~')}" for k, v in sorted(query.items()))
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    return "\n".join(["GET", "/", "&".join(pairs), f"host:{host}", "", "host", empty])


@pytest.mark.usefixtures("aws")
def test_iam_needs_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match="AWS_REGION"):
        iam_source("127.0.0.1:9098")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    iam_source("127.0.0.1:9098")


class TokenServer(BaseHTTPRequestHandler):
    """Gives tokens to the client `someone`."""

    given = 0
    life: object = 3600

    def do_POST(self) -> None:
        expected = base64.b64encode(b"someone:hunter2-hunter2").decode()
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        right = self.headers["Authorization"] == f"Basic {expected}"
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/token")
            self.end_headers()
            return
        self.send_response(200 if right else 401)
        self.end_headers()
        if self.path == "/garbled":
            self.wfile.write(b'{"access_token": "canary", "expires_in": "soon"}')
        elif right and form == {"grant_type": ["client_credentials"]}:
            TokenServer.given += 1
            answer = {"access_token": f"token-{self.given}", "expires_in": self.life}
            self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def token_server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), TokenServer) as server:
        TokenServer.given, TokenServer.life = 0, 3600
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/token"
        server.shutdown()
        thread.join()


def server_source(url: str, **changes: str) -> TokenSource:
    kafka = KafkaSettings.from_env(OAUTH | USER | {"KAFKA_SASL_TOKEN_URL": url} | changes)
    source: TokenSource = kafka.client_options()["sasl_oauth_token_provider"]
    return source


async def test_tokens_of_a_server(token_server: str) -> None:
    source = server_source(token_server)
    assert [await source.token() for _ in range(3)] == ["token-1"] * 3
    TokenServer.life = 0.0001
    # Of another client: those with the same settings share what they have.
    short_lived = server_source(token_server, KAFKA_BOOTSTRAP="other:9092")
    assert await short_lived.token() != await short_lived.token()
    with pytest.raises(ClusterAccessError, match="HTTP 401") as caught:
        await server_source(token_server, KAFKA_SASL_PASSWORD="canary").token()
    assert "canary" not in repr(caught.value)


@pytest.mark.parametrize(("path", "said"), [("elsewhere", "HTTP 302"), ("garbled", "ValueError")])
async def test_a_server_that_gives_none(token_server: str, path: str, said: str) -> None:
    source = server_source(token_server.replace("token", path))
    with pytest.raises(ClusterAccessError, match=said) as caught:
        await source.token()
    assert "canary" not in repr(caught.value)


async def test_clients_with_the_same_settings_share_their_tokens(token_server: str) -> None:
    sources = [server_source(token_server) for _ in range(20)]
    assert set(await asyncio.gather(*(source.token() for source in sources))) == {"token-1"}
    assert TokenServer.given == 1


async def test_tls_follows_its_files_but_not_halves_of_them(tmp_path: Path) -> None:
    """Which certificate a server is shown, by the same context."""
    ca = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(server)
    ca.configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    authority, cert, key = (tmp_path / name for name in ("ca", "cert", "key"))
    ca.cert_pem.write_to_path(str(authority))

    def issue(name: str) -> tuple[bytes, bytes]:
        made = ca.issue_cert(name, common_name=name)
        return made.cert_chain_pems[0].bytes(), made.private_key_pem.bytes()

    cert_pem, key_pem = issue("first")
    cert.write_bytes(cert_pem)
    key.write_bytes(key_pem)

    def make() -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=authority)
        try:
            made.load_cert_chain(cert, key)
        except ssl.SSLError as exc:
            raise SettingError("KAFKA_SSL_CERTFILE", "can't be used") from exc
        return made

    context = ReloadingContext(make, [authority, cert, key])
    seen: list[str] = []

    async def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subject = dict(pair[0] for pair in writer.get_extra_info("peercert")["subject"])
        seen.append(subject["commonName"])
        writer.close()

    async with await asyncio.start_server(note, "127.0.0.1", 0, ssl=server) as serving:
        port = serving.sockets[0].getsockname()[1]

        async def connect() -> str:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=context, server_hostname="localhost"
            )
            await reader.read()
            writer.close()
            return seen[-1]

        assert await connect() == "first"
        cert_pem, key_pem = issue("second")
        cert.write_bytes(cert_pem)
        assert await connect() == "first"
        key.write_bytes(key_pem)
        assert await connect() == "second"
        cert.unlink()
        assert await connect() == "second"
