"""Where and how records are archived: the `STREAMS_ARCHIVE_*` variables."""

import logging
import re
from dataclasses import dataclass
from typing import Self

from streams.errors import SettingError, TaskStoppedError
from streams.setting_fields import parsed, rows, setting
from streams.setting_kinds import (
    TOPIC_LENGTH,
    Kind,
    choice,
    integer,
    name_of,
    optional,
    seconds,
    several,
)
from streams.sinks.archive.columns import ALWAYS, Column, column
from streams.sinks.archive.condition import FIELD, Condition, condition
from streams.tasks.plan import Rules, check_rules

log = logging.getLogger(__name__)

#: Characters of the URL, so that there is room for an object's own name in a key.
URL_LENGTH = 300
#: By event time; every path ends in them.
TIME_FOLDERS = ("dt", "hr")

_URL = re.compile(
    r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/(?:[A-Za-z0-9!_.*'()=-]|\{topic\})+)*)/?"
)
#: Rules hold the number of the code's own ones, such as where a Parquet file's row groups end. Who
#: finds a plan made by others can't be sure to make the same objects.
_CODE, _CODE_VERSION = "code", "1"


def bucket_url() -> Kind[str]:
    def parse(raw: str) -> str:
        found = _URL.fullmatch(raw)
        if not found:
            raise ValueError("not a bucket with a prefix")
        if len(raw) > URL_LENGTH:
            raise ValueError("too long")
        return f"s3://{found[1]}{found[2]}"

    return Kind(parse, f"s3://bucket/prefix with {{topic}} in it or not, at most {URL_LENGTH}")


def field_name() -> Kind[str]:
    def parse(raw: str) -> str:
        if not re.fullmatch(FIELD, raw):
            raise ValueError("not the name of a field")
        return raw

    return Kind(parse, "letters, digits and '_', at most 64")


@dataclass(frozen=True, kw_only=True)
class ArchiveSettings:
    """What is archived, and how. Building one raises SettingError when parts don't fit.

    Attributes that end in `_ms` are milliseconds.
    """

    # These are the rules. They are kept with each plan, by their variables.
    url: str | None = setting(
        "STREAMS_ARCHIVE_URL",
        optional(bucket_url()),
        "",
        "`tally archive` keeps records there: s3://bucket/prefix, with {topic} in it or not",
    )
    format: str = setting(
        "STREAMS_ARCHIVE_FORMAT",
        choice("json", "parquet"),
        "json",
        "JSON lines, compressed by gzip, or Parquet",
    )
    values: str = setting(
        "STREAMS_ARCHIVE_VALUES", choice("json", "text"), "json", "what the records' values are"
    )
    path: tuple[str, ...] = setting(
        "STREAMS_ARCHIVE_PATH",
        several(field_name()),
        "",
        "fields of the value by which objects lie in folders, as in `ticker`: ticker=AAPL/",
    )
    where: Condition | None = setting(
        "STREAMS_ARCHIVE_WHERE",
        optional(condition()),
        "",
        "archive only records like these: `price > 50`",
    )
    event_time: str | None = setting(
        "STREAMS_ARCHIVE_EVENT_TIME",
        optional(field_name()),
        "",
        "field that holds the event time, ISO 8601 (naive: UTC) or epoch ms",
        shown="the record's timestamp",
    )
    columns: tuple[Column, ...] = setting(
        "STREAMS_ARCHIVE_COLUMNS",
        several(column()),
        "",
        "fields that are columns of their own in Parquet: `price:double,volume:long`",
    )

    # These only choose where an interval ends.
    topics: tuple[str, ...] = setting(
        "STREAMS_ARCHIVE_TOPICS",
        several(name_of("a topic", TOPIC_LENGTH)),
        "",
        "topics whose records are archived",
        shown="{output}",
    )
    interval_bytes: int = setting(
        "STREAMS_ARCHIVE_BYTES",
        integer(1, 2**30),
        str(2**26),
        "a partition's objects are written when their values come to so much",
    )
    age_ms: int = setting(
        "STREAMS_ARCHIVE_AGE_SECONDS",
        seconds(0.1, 24 * 3600),
        "300",
        "or when the first of them has waited for so long, or another hour begins",
    )
    concurrency: int = setting(
        "STREAMS_ARCHIVE_CONCURRENCY",
        integer(1, 64),
        "8",
        "objects that a process writes at the same time",
    )

    def __post_init__(self) -> None:
        for variable, is_used in {
            "STREAMS_ARCHIVE_PATH": self.path,
            "STREAMS_ARCHIVE_WHERE": self.where,
            "STREAMS_ARCHIVE_EVENT_TIME": self.event_time,
            "STREAMS_ARCHIVE_COLUMNS": self.columns,
        }.items():
            if is_used and self.values != "json":
                raise SettingError(variable, "only JSON has fields", "STREAMS_ARCHIVE_VALUES=json")
        _refuse_repeats("STREAMS_ARCHIVE_PATH", (*TIME_FOLDERS, *self.path))
        # Readers make columns of the folders, too.
        named = (*TIME_FOLDERS, *self.path, *(column.field for column in self.columns))
        _refuse_repeats("STREAMS_ARCHIVE_COLUMNS", named)
        if self.format == "parquet":
            _refuse_repeats("STREAMS_ARCHIVE_PATH", (*ALWAYS, *self.path))
        elif self.columns:
            raise SettingError(
                "STREAMS_ARCHIVE_COLUMNS", "only Parquet has columns", "STREAMS_ARCHIVE_FORMAT"
            )
        check_rules(self.rules, "STREAMS_ARCHIVE_COLUMNS")

    @property
    def rules(self) -> Rules:
        """What objects depend on."""
        shown = {row.name: row.value for row in rows(self)}
        return {
            _CODE: _CODE_VERSION,
            **{name: shown[name] for name in sorted(_RULES) if shown[name]},
        }

    @classmethod
    def following(cls, rules: Rules) -> Self:
        """Settings with these rules, and nothing else; raises TaskStoppedError."""
        values = dict(rules)
        known = values.pop(_CODE, "") == _CODE_VERSION and values.keys() <= _RULES
        try:
            if known:
                return cls(**parsed(cls, values))
        except SettingError as exc:
            log.debug("%s", exc)
        raise TaskStoppedError(
            f"an interval was begun by rules that are not known here: {dict(rules)}",
            "Let the version that began it finish it",
        )

    @property
    def bucket(self) -> str:
        """The bucket."""
        return self._of_url(1)

    def prefix(self, topic: str) -> str:
        """What a topic's keys begin with: nothing, or something that ends in a slash."""
        path = self._of_url(2).replace("{topic}", topic)
        return f"{path[1:]}/" if path else ""

    def _of_url(self, group: int) -> str:
        found = _URL.fullmatch(self.url or "")
        assert found is not None, "nothing is archived without STREAMS_ARCHIVE_URL"
        return found[group]


_RULES = frozenset(
    f"STREAMS_ARCHIVE_{name}"
    for name in ("URL", "FORMAT", "VALUES", "PATH", "WHERE", "EVENT_TIME", "COLUMNS")
)


def _refuse_repeats(variable: str, names: tuple[str, ...]) -> None:
    # Many readers take no notice of case.
    known: set[str] = set()
    for name in names:
        if name.lower() in known:
            raise SettingError(variable, f"there is {name} already", "fields of other names")
        known.add(name.lower())
