"""Settings of formats and registries."""

from pathlib import Path

import pytest

from streams.errors import SettingError
from streams.settings import Settings, describe

URL = "http://127.0.0.1:8081"
AVRO = {"STREAMS_VALUE_FORMATS": "twitter_input=avro", "STREAMS_SCHEMA_REGISTRY_URL": URL}


def refused(environ: dict[str, str]) -> str:
    with pytest.raises(SettingError) as caught:
        Settings.from_env(environ)
    assert "canary" not in str(caught.value)
    return caught.value.name


def test_formats_by_topic(tmp_path: Path) -> None:
    file = tmp_path / "tag.avsc"
    file.write_text('"string"')
    made = Settings.from_env(
        {
            **AVRO,
            "STREAMS_VALUE_FORMATS": "twitter_input=AVRO, prices = json,x=raw",
            "STREAMS_SCHEMA_FILES": f"twitter_input={file}",
        }
    )
    formats = {t: made.value_format(t) for t in ("twitter_input", "prices", "x", "y")}
    assert formats == {"twitter_input": "avro", "prices": "json", "x": "raw", "y": "raw"}
    assert made.schemas.files == {"twitter_input": file}
    shown = {row.name: row.value for row in describe(made)}
    assert Settings.from_env({name: value for name, value in shown.items() if value}) == made


def test_the_output_topic_has_its_own() -> None:
    made = Settings.from_env(
        {"STREAMS_OUTPUT_FORMAT": "avro", "STREAMS_GLUE_REGISTRY": "tally-schemas"}
    )
    assert made.value_format("twitter_output") == "avro"
    assert Settings().value_format("twitter_output") == "raw"
    assert refused({"STREAMS_VALUE_FORMATS": "twitter_output=json"}) == "STREAMS_VALUE_FORMATS"


def test_prices_are_json_or_avro() -> None:
    prices = {"STREAMS_JOBS": "tickers"}
    made = Settings.from_env(prices)
    assert {made.value_format(t) for t in ("ticker_input", "ticker_output")} == {"json"}
    assert Settings().value_format("ticker_input") == "raw", "nobody's topic"
    formats = {**AVRO, "STREAMS_VALUE_FORMATS": "ticker_output=avro"}
    assert Settings.from_env(prices | formats).value_format("ticker_output") == "avro"
    formats = {"STREAMS_VALUE_FORMATS": "ticker_input=raw"}
    assert refused(prices | formats) == "STREAMS_VALUE_FORMATS"


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"STREAMS_VALUE_FORMATS": "a"}, "STREAMS_VALUE_FORMATS"),
        ({"STREAMS_VALUE_FORMATS": "a=xml"}, "STREAMS_VALUE_FORMATS"),
        ({"STREAMS_VALUE_FORMATS": "a=json,a=raw"}, "STREAMS_VALUE_FORMATS"),
        ({"STREAMS_VALUE_FORMATS": "a=avro"}, "STREAMS_SCHEMA_REGISTRY_URL"),
        ({"STREAMS_OUTPUT_FORMAT": "avro"}, "STREAMS_SCHEMA_REGISTRY_URL"),
        ({**AVRO, "STREAMS_GLUE_REGISTRY": "r"}, "STREAMS_GLUE_REGISTRY"),
        ({**AVRO, "STREAMS_SCHEMA_FILES": "a=/none"}, "STREAMS_SCHEMA_FILES"),
        ({**AVRO, "STREAMS_SCHEMA_FILES": f"other={__file__}"}, "STREAMS_SCHEMA_FILES"),
        (
            {**AVRO, "STREAMS_SCHEMA_REGISTRY_USERNAME": "me"},
            "STREAMS_SCHEMA_REGISTRY_PASSWORD",
        ),
        (
            {**AVRO, "STREAMS_SCHEMA_REGISTRY_PASSWORD": "canary"},
            "STREAMS_SCHEMA_REGISTRY_USERNAME",
        ),
        ({"STREAMS_SCHEMA_REGISTRY_PASSWORD": "canary"}, "STREAMS_SCHEMA_REGISTRY_URL"),
        ({"STREAMS_SCHEMA_REGISTRY_URL": "https://me:canary@host"}, "STREAMS_SCHEMA_REGISTRY_URL"),
        ({"STREAMS_SCHEMA_REGISTRY_URL": "http://example.com"}, "STREAMS_SCHEMA_REGISTRY_URL"),
        ({"STREAMS_GLUE_COMPATIBILITY": "SOME"}, "STREAMS_GLUE_COMPATIBILITY"),
    ],
)
def test_what_is_refused(environ: dict[str, str], name: str) -> None:
    assert refused(environ) == name
