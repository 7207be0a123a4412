"""What needs AWS, as far as it can be seen without any."""

import sys

import pytest

import streams.sinks.appsync
from streams.errors import SinkAccessError, StartError
from streams.settings import Settings
from streams.sinks.appsync.agent import appsync
from streams.sinks.appsync.aws import Iam, _key_in
from streams.sinks.settings import AppSyncSettings
from streams.transport.app import StreamsApp

URL = "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql"


@pytest.mark.parametrize(
    "text", ["da2-x", " da2-x\n", '{"api_key": "da2-x"}', '{"apiKey":"da2-x"}']
)
def test_a_secret_holds_the_key(text: str) -> None:
    assert _key_in(text) == "da2-x"


@pytest.mark.parametrize("text", ["", " ", "{", '{"key": "canary"}', '{"api_key": 7}', "{canary"])
def test_a_secret_holds_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="secret") as caught:
        _key_in(text)
    assert "canary" not in str(caught.value)


async def test_a_signature_is_for_the_region_of_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    headers = await Iam(URL).headers(URL, b"{}")
    assert "/eu-west-1/appsync/aws4_request" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "token"
    assert "canary" not in str(headers)
    other = await Iam("https://api.example.com/graphql").headers(URL, b"{}")
    assert "/us-east-1/appsync/aws4_request" in other["Authorization"]


async def test_what_is_missing_is_named() -> None:
    with pytest.raises(StartError, match="AWS_REGION"):
        Iam("https://api.example.com/graphql")
    with pytest.raises(SinkAccessError, match="no AWS credentials"):
        await Iam(URL).headers(URL, b"{}")


def test_botocore_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    monkeypatch.delitem(sys.modules, "streams.sinks.appsync.aws")
    monkeypatch.delattr(streams.sinks.appsync, "aws")
    with pytest.raises(StartError, match=r"tally-streams\[aws\]"):
        appsync(StreamsApp(Settings()), AppSyncSettings(url=URL, auth="iam"), ("a",))
