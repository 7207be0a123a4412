"""Tokens that IAM signs, and those of an OAuth server."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from streams.errors import ClusterAccessError, SettingError
from streams.kafka_settings import KafkaSettings
from streams.login.token import TokenSource

SASL = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
IAM = SASL | {"KAFKA_SASL_MECHANISM": "AWS_MSK_IAM"}
OAUTH = SASL | {
    "KAFKA_SASL_MECHANISM": "OAUTHBEARER",
    "KAFKA_SASL_USERNAME": "someone",
    "KAFKA_SASL_PASSWORD": "hunter2-hunter2",
}


def iam_source(bootstrap: str) -> TokenSource:
    kafka = KafkaSettings.from_env(IAM | {"KAFKA_BOOTSTRAP": bootstrap})
    options = kafka.client_options()
    assert options["sasl_mechanism"] == "OAUTHBEARER"
    source: TokenSource = options["sasl_oauth_token_provider"]
    return source


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
        Credentials("AKIAKEY", "very-secret"), "kafka-cluster", "eu-central-1", expires=900
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
    pairs = (f"{quote(k, safe='')}={quote(v, safe='-_.~')}" for k, v in sorted(query.items()))
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    return "\n".join(["GET", "/", "&".join(pairs), f"host:{host}", "", "host", empty])


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
    kafka = KafkaSettings.from_env(OAUTH | {"KAFKA_SASL_TOKEN_URL": url} | changes)
    source: TokenSource = kafka.client_options()["sasl_oauth_token_provider"]
    return source


async def test_tokens_of_a_server(token_server: str) -> None:
    source = server_source(token_server)
    assert [await source.token() for _ in range(3)] == ["token-1"] * 3
    TokenServer.life = 1e-9
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
