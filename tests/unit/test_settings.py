"""Settings: defaults, refusals by name, consistency, and that secrets stay hidden."""

import pickle
import ssl
from pathlib import Path

import pytest

from streams.errors import SettingError, StartError
from streams.kafka_settings import KafkaSettings
from streams.setting_kinds import Secret
from streams.settings import Settings, describe

SASL = {
    "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
    "KAFKA_SASL_USERNAME": "someone",
    "KAFKA_SASL_PASSWORD": "hunter2-hunter2",
}


BOTH = {"STREAMS_JOBS": "hashtags, tickers"}


def refused(environ: dict[str, str]) -> SettingError:
    with pytest.raises(SettingError) as caught:
        Settings.from_env(environ)
    return caught.value


def test_defaults() -> None:
    s = Settings.from_env({})
    assert s == Settings()
    assert (s.app_id, s.input_topic, s.output_topic) == ("tally", "twitter_input", "twitter_output")
    assert s.dead_letter_topic == "twitter_input-dead-letters"
    assert s.late_topic is None
    assert s.instance_id is None
    assert (s.window_ms, s.grace_ms, s.min_mentioned) == (20_000, 0, 4)
    assert (s.commit_interval_ms, s.window_idle_ms, s.max_ahead_ms) == (100, 60_000, 3_600_000)
    assert s.data_dir == Path.cwd() / ".tally"
    assert s.create_topics is True
    assert s.standbys == 0
    assert s.kafka.bootstrap == ("127.0.0.1:9092",)


def test_empty_is_unset() -> None:
    assert (
        Settings.from_env({"STREAMS_WINDOW_SECONDS": "", "STREAMS_LATE_TOPIC": " "}) == Settings()
    )


def test_dead_letter_topic_follows_the_input() -> None:
    assert Settings(input_topic="in").dead_letter_topic == "in-dead-letters"
    assert Settings(input_topic="in", dead_letter_topic="dlq").dead_letter_topic == "dlq"


def test_jobs_bring_their_topics() -> None:
    only = Settings.from_env({"STREAMS_JOBS": "Tickers", "STREAMS_INPUT_TOPIC": "ticker_output"})
    assert only.jobs == ("tickers",)
    assert only.dead_letter_topic == "ticker_input-dead-letters"
    assert dict(only.live.topics) == {"ticker_output": ("realTimeItemKey", "symbol")}
    assert only.appsync_topics == ("ticker_output",)
    both = Settings.from_env(BOTH)
    assert both.dead_letter_topic == "twitter_input-dead-letters"
    assert list(both.live.topics) == ["twitter_output", "ticker_output"]
    assert both.appsync_topics == ("twitter_output", "ticker_output")


def test_the_ticker_job_has_settings_of_its_own() -> None:
    tickers = Settings.from_env({"STREAMS_TICKER_MIN_PRICE": "0.25"}).tickers
    assert (tickers.window_ms, tickers.delay_ms, tickers.grace_ms) == (60_000, 5_000, 0)
    assert tickers.min_price == 0.25
    assert Settings().tickers.min_price == 50


@pytest.mark.parametrize(
    ("text", "ms"), [("1", 1000), ("0.001", 1), ("2.50", 2500), ("1e1", 10_000)]
)
def test_seconds_have_millisecond_precision(text: str, ms: int) -> None:
    assert Settings.from_env({"STREAMS_WINDOW_SECONDS": text}).window_ms == ms


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STREAMS_WINDOW_SECONDS", "0"),
        ("STREAMS_WINDOW_SECONDS", "0.0001"),
        ("STREAMS_WINDOW_SECONDS", "1.0001"),
        ("STREAMS_WINDOW_SECONDS", "nan"),
        ("STREAMS_WINDOW_SECONDS", "1e999999"),
        ("STREAMS_WINDOW_SECONDS", "twenty"),
        ("STREAMS_GRACE_SECONDS", "-1"),
        ("STREAMS_MIN_MENTIONED", "4.0"),
        ("STREAMS_MIN_MENTIONED", "-1"),
        ("STREAMS_PARTITIONS", "257"),
        ("STREAMS_PARTITIONS", "0"),
        ("STREAMS_STANDBYS", "-1"),
        ("STREAMS_STANDBYS", "11"),
        ("STREAMS_STANDBYS", "one"),
        ("STREAMS_CREATE_TOPICS", "maybe"),
        ("STREAMS_OUTPUT_FORMAT", "xml"),
        ("STREAMS_JOBS", "counts"),
        ("STREAMS_JOBS", "hashtags,"),
        ("STREAMS_TICKER_MIN_PRICE", "-1"),
        ("STREAMS_TICKER_MIN_PRICE", "inf"),
        ("STREAMS_TICKER_MIN_PRICE", "fifty"),
        ("STREAMS_APP_ID", "with space"),
        ("STREAMS_INPUT_TOPIC", ".."),
        ("STREAMS_INPUT_TOPIC", "x" * 250),
        ("STREAMS_WEB_PORT", "65536"),
        ("STREAMS_WEB_HOST", "http://x"),
        ("KAFKA_BOOTSTRAP", "broker"),
        ("KAFKA_BOOTSTRAP", "broker:"),
        ("KAFKA_BOOTSTRAP", "broker:9092,,other:9092"),
        ("KAFKA_BOOTSTRAP", "broker:99999"),
        ("KAFKA_BOOTSTRAP", "user:pass@broker:9092"),
        ("KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("KAFKA_SSL_CAFILE", "/nowhere/ca.pem"),
    ],
)
def test_a_wrong_value_is_refused_by_name(variable: str, value: str) -> None:
    error = refused({variable: value})
    assert error.name == variable
    assert str(error).startswith(f"{variable}: ")
    assert "Allowed: " in str(error)
    assert isinstance(error, StartError)


@pytest.mark.parametrize("bootstrap", ["a:1", "a:1, b.c-d:2", "[::1]:9092", "10.0.0.1:9092"])
def test_bootstrap_forms(bootstrap: str) -> None:
    s = KafkaSettings.from_env({"KAFKA_BOOTSTRAP": bootstrap})
    assert s.client_options()["bootstrap_servers"] == bootstrap.replace(" ", "").split(",")


def test_unknown_streams_variable_is_refused_with_a_hint() -> None:
    assert "did you mean STREAMS_WINDOW_SECONDS?" in str(refused({"STREAMS_WINDOWS_SECOND": "1"}))
    assert refused({"STREAMS_ZZZ": ""}).name == "STREAMS_ZZZ"


def test_unknown_kafka_variable_is_left_alone() -> None:
    assert Settings.from_env({"KAFKA_HEAP_OPTS": "-Xmx1g", "PATH": "/bin"}) == Settings()


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        ({"STREAMS_HEARTBEAT_INTERVAL_MS": "3000"}, "STREAMS_HEARTBEAT_INTERVAL_MS"),
        ({"STREAMS_SESSION_TIMEOUT_MS": "10000"}, "STREAMS_SESSION_TIMEOUT_MS"),
        ({"STREAMS_COMMIT_INTERVAL_MS": "10000"}, "STREAMS_COMMIT_INTERVAL_MS"),
        ({"STREAMS_OUTPUT_TOPIC": "twitter_input"}, "STREAMS_OUTPUT_TOPIC"),
        ({"STREAMS_OUTPUT_TOPIC": "twitter.input"}, "STREAMS_OUTPUT_TOPIC"),
        ({"STREAMS_LATE_TOPIC": "twitter_input-dead-letters"}, "STREAMS_LATE_TOPIC"),
        ({"STREAMS_INPUT_TOPIC": "x" * 249}, "STREAMS_DEAD_LETTER_TOPIC"),
        ({"STREAMS_JOBS": "hashtags,hashtags"}, "STREAMS_JOBS"),
        (BOTH | {"STREAMS_TICKER_INPUT_TOPIC": "twitter_output"}, "STREAMS_TICKER_INPUT_TOPIC"),
        (BOTH | {"STREAMS_TICKER_OUTPUT_TOPIC": "ticker_input"}, "STREAMS_TICKER_OUTPUT_TOPIC"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SASL_USERNAME"),
        (SASL | {"KAFKA_SASL_PASSWORD": ""}, "KAFKA_SASL_PASSWORD"),
        (SASL | {"KAFKA_SECURITY_PROTOCOL": "SSL"}, "KAFKA_SECURITY_PROTOCOL"),
    ],
)
def test_settings_that_do_not_fit_together(environ: dict[str, str], variable: str) -> None:
    assert refused(environ).name == variable


def test_ssl_files(tmp_path: Path) -> None:
    pem = tmp_path / "junk.pem"
    pem.write_text("no certificate")
    assert refused({"KAFKA_SSL_CAFILE": str(pem)}).name == "KAFKA_SECURITY_PROTOCOL"
    only_key = {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEYFILE": str(pem)}
    assert refused(only_key).name == "KAFKA_SSL_CERTFILE"
    for variable in ("KAFKA_SSL_CAFILE", "KAFKA_SSL_CERTFILE"):
        kafka = KafkaSettings.from_env({"KAFKA_SECURITY_PROTOCOL": "SSL", variable: str(pem)})
        with pytest.raises(SettingError, match=variable):
            kafka.client_options()


def test_client_options() -> None:
    assert KafkaSettings().client_options() == {
        "bootstrap_servers": ["127.0.0.1:9092"],
        "security_protocol": "PLAINTEXT",
    }
    options = KafkaSettings.from_env(
        SASL | {"KAFKA_SECURITY_PROTOCOL": "sasl_ssl"}
    ).client_options()
    assert options.pop("ssl_context").verify_mode is ssl.CERT_REQUIRED
    assert options.pop("sasl_plain_password").now() == ("someone", Secret("hunter2-hunter2"))
    assert options == {
        "bootstrap_servers": ["127.0.0.1:9092"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "someone",
    }


def test_secrets_stay_hidden() -> None:
    s = Settings.from_env(SASL)
    assert s.kafka.sasl_password == Secret("hunter2-hunter2")
    assert s.kafka.sasl_password != "hunter2-hunter2"
    shown = [repr(s), str(s), repr(describe(s)), f"{s.kafka.sasl_password}"]
    assert not [text for text in shown if "hunter2" in text]
    short = refused(SASL | {"KAFKA_SASL_USERNAME": ""})
    assert "hunter2" not in repr(short)


def test_describe_shows_what_may_be_set_again() -> None:
    s = Settings.from_env({"STREAMS_WINDOW_SECONDS": "0.250", "STREAMS_CREATE_TOPICS": "no"})
    rows = {row.name: row for row in describe(s)}
    assert rows["STREAMS_WINDOW_SECONDS"].value == "0.25"
    assert rows["STREAMS_WINDOW_SECONDS"].default == "20"
    assert rows["STREAMS_CREATE_TOPICS"].value == "false"
    assert rows["KAFKA_SASL_PASSWORD"].value == ""
    assert all(row.help for row in rows.values())
    assert Settings.from_env({name: row.value for name, row in rows.items()}) == s


def test_errors_survive_pickling() -> None:
    error = refused({"STREAMS_PARTITIONS": "0"})
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.name, str(copy)) == (error.name, str(error))
