"""The archive's settings: what is refused, and what a plan keeps of them."""

import pytest

from streams.errors import SettingError, TaskStoppedError, UndeliverableError
from streams.setting_fields import parsed
from streams.sinks.archive.columns import Column, values_of
from streams.sinks.archive.condition import Condition
from streams.sinks.archive.settings import ArchiveSettings

URL = {"STREAMS_ARCHIVE_URL": "s3://bucket/a/{topic}/"}
ALL = {
    **URL,
    "STREAMS_ARCHIVE_FORMAT": "parquet",
    "STREAMS_ARCHIVE_PATH": "ticker, venue",
    "STREAMS_ARCHIVE_WHERE": 'venue = "a,b"',
    "STREAMS_ARCHIVE_EVENT_TIME": "at",
    "STREAMS_ARCHIVE_COLUMNS": "price:double,volume:long",
}


def made(environ: dict[str, str]) -> ArchiveSettings:
    return ArchiveSettings(**parsed(ArchiveSettings, environ))


def test_rules_come_back_and_nothing_else_does() -> None:
    settings = made({**ALL, "STREAMS_ARCHIVE_BYTES": "5", "STREAMS_ARCHIVE_TOPICS": "a,b"})
    again = ArchiveSettings.following(settings.rules)
    assert again == made(ALL)
    assert again.rules == settings.rules
    assert (again.bucket, again.prefix("t")) == ("bucket", "a/t/")
    assert made({"STREAMS_ARCHIVE_URL": "s3://bucket/"}).prefix("t") == ""


@pytest.mark.parametrize(
    "change", [{"code": "2"}, {"STREAMS_ARCHIVE_NEW": "1"}, {"STREAMS_ARCHIVE_FORMAT": "orc"}]
)
def test_unknown_rules_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(TaskStoppedError, match="not known here"):
        ArchiveSettings.following({**made(ALL).rules, **change})


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        ({"STREAMS_ARCHIVE_URL": "https://bucket"}, "URL"),
        ({"STREAMS_ARCHIVE_URL": "s3://b"}, "URL"),
        ({"STREAMS_ARCHIVE_URL": "s3://bucket//a"}, "URL"),
        ({"STREAMS_ARCHIVE_URL": "s3://bucket/{key}"}, "URL"),
        ({"STREAMS_ARCHIVE_URL": f"s3://bucket/{'a' * 300}"}, "URL"),
        ({"STREAMS_ARCHIVE_PATH": "a b"}, "PATH"),
        ({"STREAMS_ARCHIVE_PATH": "a,A"}, "PATH"),
        ({"STREAMS_ARCHIVE_PATH": "dt"}, "PATH"),
        ({"STREAMS_ARCHIVE_PATH": "key", "STREAMS_ARCHIVE_FORMAT": "parquet"}, "PATH"),
        ({"STREAMS_ARCHIVE_PATH": "a", "STREAMS_ARCHIVE_VALUES": "text"}, "PATH"),
        ({"STREAMS_ARCHIVE_WHERE": "price"}, "WHERE"),
        ({"STREAMS_ARCHIVE_WHERE": "price > x"}, "WHERE"),
        ({"STREAMS_ARCHIVE_WHERE": "price > true"}, "WHERE"),
        ({"STREAMS_ARCHIVE_WHERE": 'price > "x"'}, "WHERE"),
        ({"STREAMS_ARCHIVE_COLUMNS": "price:double"}, "COLUMNS"),
        ({**ALL, "STREAMS_ARCHIVE_COLUMNS": "price:float"}, "COLUMNS"),
        ({**ALL, "STREAMS_ARCHIVE_COLUMNS": "offset:long"}, "COLUMNS"),
        ({**ALL, "STREAMS_ARCHIVE_COLUMNS": "ticker:string"}, "COLUMNS"),
        ({**ALL, "STREAMS_ARCHIVE_COLUMNS": ",".join(f"c{n}:long" for n in range(999))}, "COLUMNS"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(environ: dict[str, str], variable: str) -> None:
    with pytest.raises(SettingError) as caught:
        made({**URL, **environ})
    assert caught.value.name == f"STREAMS_ARCHIVE_{variable}"


@pytest.mark.parametrize(
    ("text", "passes", "fails"),
    [
        ("price > 50", 50.5, 50),
        ("price>=50", 50, 49),
        ("price < 1e3", 0, 1000),
        ("price <= -1", -1, 0),
        ("price = 2", 2.0, 3),
        ("price != 2", 3, 2),
        ('price = "a b"', "a b", "a"),
        ('price != "a"', "", "a"),
    ],
)
def test_conditions(text: str, passes: object, fails: object) -> None:
    condition = Condition.parse(text)
    assert Condition.parse(str(condition)) == condition
    assert condition.passes({"price": passes})
    assert not condition.passes({"price": fails})
    for odd in ({}, {"price": None}, {"price": True}, {"price": ["a"]}):
        with pytest.raises(UndeliverableError, match=r"price is no (number|text)"):
            condition.passes(odd)


def test_columns_take_what_fits() -> None:
    columns = [Column.parse(f"{name}:{name}") for name in ("string", "long", "double", "boolean")]
    fields = {"string": "ä", "long": -(2**63), "double": 1, "boolean": False}
    assert values_of(columns, fields) == ("ä", -(2**63), 1, False)
    assert values_of(columns, {"long": None}) == (None, None, None, None)
    for name, odd in (
        ("string", 1),
        ("string", "\ud800"),
        ("long", 2**63),
        ("long", 1.0),
        ("long", True),
        ("double", "1"),
        ("double", 2**1024),
        ("boolean", 0),
    ):
        with pytest.raises(UndeliverableError, match=f"{name} is no {name}"):
            values_of(columns, {name: odd})
