"""Settings of live delivery: defaults that depend on others, refusals by name, TLS files."""

import ssl
from ipaddress import ip_network
from pathlib import Path

import pytest
import trustme

from streams.errors import SettingError
from streams.settings import Settings, describe

TOPICS = "STREAMS_LIVE_TOPICS"


def test_the_output_topic_is_served_by_default() -> None:
    settings = Settings.from_env({"STREAMS_OUTPUT_TOPIC": "out"})
    assert dict(settings.live.topics) == {"out": ("realTimeItemKey", "hashtag")}
    assert settings.live.enabled


def test_topics_and_their_parameters() -> None:
    live = Settings.from_env({TOPICS: "a=x|y, b = x"}).live
    assert dict(live.topics) == {"a": ("x", "y"), "b": ("x",)}


@pytest.mark.parametrize(
    "topics",
    [
        "a",
        "a=",
        "a=x,",
        "a=x,a=y",
        "a=x|x",
        "a b=x",
        "a=x y",
        "a=since",
        "a=1x",
        "=x",
        "a=x|",
        f"{'a' * 250}=x",
    ],
)
def test_wrong_topics_are_refused(topics: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.from_env({TOPICS: topics})
    assert caught.value.name == TOPICS


def test_origins_and_proxies() -> None:
    live = Settings.from_env(
        {
            "STREAMS_LIVE_ORIGINS": "https://Example.org, http://localhost:3000",
            "STREAMS_LIVE_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
        }
    ).live
    assert live.origins == frozenset({"https://example.org", "http://localhost:3000"})
    assert live.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))
    nothing = Settings.from_env({}).live
    assert (nothing.origins, nothing.trusted_proxies) == (None, ())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STREAMS_LIVE_ORIGINS", "example.org"),
        ("STREAMS_LIVE_ORIGINS", "https://example.org/"),
        ("STREAMS_LIVE_ORIGINS", "*"),
        ("STREAMS_LIVE_ORIGINS", "https://*.example.org"),
        ("STREAMS_LIVE_ORIGINS", "https://a,,https://b"),
        ("STREAMS_LIVE_TRUSTED_PROXIES", "proxy"),
        ("STREAMS_LIVE_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("STREAMS_LIVE_MAX_KEYS", "0"),
        ("STREAMS_LIVE_TOKENS_FILE", "/nowhere"),
        ("STREAMS_WEB_TLS_CERTFILE", "/nowhere"),
    ],
)
def test_wrong_values_are_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.from_env({name: value})
    assert caught.value.name == name


def test_what_is_shown_can_be_given_again() -> None:
    given = {
        TOPICS: "a=x|y,b=x",
        "STREAMS_LIVE_ORIGINS": "https://a.example,https://b.example",
        "STREAMS_LIVE_TRUSTED_PROXIES": "10.0.0.0/8",
    }
    settings = Settings.from_env(given)
    shown = {row.name: row.value for row in describe(settings)}
    assert Settings.from_env(shown) == settings
    assert given.items() <= shown.items()


def test_tls_files(tmp_path: Path) -> None:
    assert Settings().live.tls_context() is None
    certificate = trustme.CA().issue_cert("localhost")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(str(cert))
    certificate.private_key_pem.write_to_path(str(key))
    both = {"STREAMS_WEB_TLS_CERTFILE": str(cert), "STREAMS_WEB_TLS_KEYFILE": str(key)}
    context = Settings.from_env(both).live.tls_context()
    assert context is not None
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    with pytest.raises(SettingError, match="STREAMS_WEB_TLS_CERTFILE"):
        Settings.from_env({"STREAMS_WEB_TLS_KEYFILE": str(key)})
    with pytest.raises(SettingError, match="STREAMS_WEB_TLS_CERTFILE"):
        Settings.from_env({"STREAMS_WEB_TLS_CERTFILE": str(cert)}).live.tls_context()
