"""Wrong combinations of STREAMS_APPSYNC_* are refused by name."""

import pytest

from streams.errors import SettingError
from streams.settings import Settings, describe

URL = "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql"
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:appsync-key"
KEY = "da2-canary"
BASE = {"URL": URL, "API_KEY": KEY}


def made(**changes: str) -> Settings:
    given = {**BASE, **changes}
    return Settings.from_env(
        {
            name if name.startswith("STREAMS_") else f"STREAMS_APPSYNC_{name}": value
            for name, value in given.items()
        }
    )


def test_off_by_default() -> None:
    assert Settings.from_env({}).appsync.url is None


def test_the_key_is_masked() -> None:
    settings = made()
    assert KEY not in repr(settings)
    assert KEY not in str(describe(settings))
    assert settings.appsync.api_key is not None
    assert settings.appsync.api_key.reveal() == KEY


def test_topics() -> None:
    assert made().appsync_topics == ("twitter_output",)
    assert made(TOPICS="a, b,a").appsync_topics == ("a", "b")


def test_channels() -> None:
    assert made().appsync.channel_template == "{topic}"
    assert made(MODE="events").appsync.channel_template == "default/{topic}"
    assert made(MODE="events", CHANNEL="/n/t-{key}").appsync.channel_template == "/n/t-{key}"
    assert made(CHANNEL="ticker-{key}").appsync.channel_template == "ticker-{key}"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/graphql", "http://localhost/x", "http://[::1]:1/x", URL]
)
def test_urls(url: str) -> None:
    assert made(URL=url).appsync.url == url


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"URL": "http://example.com/graphql"}, "URL"),
        ({"URL": "ftp://127.0.0.1/"}, "URL"),
        ({"URL": "https://"}, "URL"),
        ({"URL": "https://user:word@example.com/"}, "URL"),
        ({"URL": "https://example.com/?x-api-key=1"}, "URL"),
        ({"URL": ""}, "URL"),
        ({"URL": "", "API_KEY": "", "TOPICS": "a"}, "URL"),
        ({"API_KEY": ""}, "API_KEY"),
        ({"API_KEY_SECRET_ARN": ARN}, "API_KEY_SECRET_ARN"),
        ({"API_KEY": "", "API_KEY_SECRET_ARN": "my-secret"}, "API_KEY_SECRET_ARN"),
        ({"AUTH": "iam"}, "AUTH"),
        ({"AUTH": "cognito"}, "AUTH"),
        ({"MODE": "rest"}, "MODE"),
        ({"MODE": "typed", "CHANNEL": "x"}, "CHANNEL"),
        ({"CHANNEL": "{hashtag}"}, "CHANNEL"),
        ({"MODE": "events", "CHANNEL": "{topic}"}, "CHANNEL"),
        ({"MODE": "events", "CHANNEL": "a/b/c/d/e/f"}, "CHANNEL"),
        ({"MODE": "events", "CHANNEL": "a/b_c"}, "CHANNEL"),
        ({"MODE": "events", "CHANNEL": "a/-{key}"}, "CHANNEL"),
        ({"TOPICS": "a,,b"}, "TOPICS"),
        ({"TOPICS": "twitter_input"}, "TOPICS"),
        ({"TOPICS": "twitter_input-dead-letters"}, "TOPICS"),
        ({"STREAMS_OUTPUT_FORMAT": "long"}, "STREAMS_OUTPUT_FORMAT"),
        ({"BATCH": "0"}, "BATCH"),
    ],
)
def test_refusals(changes: dict[str, str], named: str) -> None:
    with pytest.raises(SettingError) as caught:
        made(**changes)
    expected = named if named.startswith("STREAMS_") else f"STREAMS_APPSYNC_{named}"
    assert caught.value.name == expected
    assert KEY not in str(caught.value)
    assert "word" not in str(caught.value)


def test_another_topic_may_be_delivered_beside_counts_as_long() -> None:
    made(TOPICS="tickers", STREAMS_OUTPUT_FORMAT="long")
