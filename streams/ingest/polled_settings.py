"""Sources that are asked at intervals: the `STREAMS_INGEST_REST_*` and `_TABLE_*` variables."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from streams.errors import SettingError
from streams.ingest.kinds import field_path
from streams.setting_fields import setting
from streams.setting_kinds import Kind, Secret, integer, optional, seconds, secret

DAY_S = 24 * 3600

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?")
_HEADER = re.compile(r"[A-Za-z0-9-]+: *\S.*")


def sql_name() -> Kind[str]:
    """A table's or column's name, a table's perhaps with its schema."""

    def parse(raw: str) -> str:
        if not _NAME.fullmatch(raw):
            raise ValueError("not a plain name")
        return raw

    return Kind(parse, "a name, or schema.name for a table")


def api_url() -> Kind[Secret]:
    """An address whose query may hold a key."""

    def parse(raw: str) -> Secret:
        url = urlsplit(raw)
        if url.scheme not in {"http", "https"} or not url.hostname or url.port == 0:
            raise ValueError("not a URL")
        return Secret(raw)

    return Kind(parse, "an http or https URL", is_secret=True)


def header() -> Kind[Secret]:
    """A request's header, as `Name: value`."""

    def parse(raw: str) -> Secret:
        if not _HEADER.fullmatch(raw):
            raise ValueError("not a header")
        return Secret(raw)

    return Kind(parse, "Name: value", is_secret=True)


@dataclass(frozen=True, kw_only=True)
class PolledSettings:
    """What is asked, and how often. Attributes that end in `_ms` are milliseconds."""

    rest_url: Secret | None = setting(
        "STREAMS_INGEST_REST_URL",
        optional(api_url()),
        "",
        "rest: what to GET; it may hold a key, and is never shown",
    )
    rest_header: Secret | None = setting(
        "STREAMS_INGEST_REST_HEADER",
        optional(header()),
        "",
        "rest: header of the request, as Authorization: Bearer abc",
    )
    rest_interval_ms: int = setting(
        "STREAMS_INGEST_REST_SECONDS", seconds(0.1, DAY_S), "60", "rest: time between requests"
    )
    rest_items: tuple[str, ...] | None = setting(
        "STREAMS_INGEST_REST_ITEMS",
        optional(field_path()),
        "",
        "rest: field of the answer with the array of records, as data.items",
        shown="the answer is one record, or an array of them",
    )
    table_url: Secret | None = setting(
        "STREAMS_INGEST_TABLE_URL",
        optional(secret()),
        "",
        "table: SQLAlchemy's URL, as postgresql+psycopg://user:password@host/database",
    )
    table: str | None = setting(
        "STREAMS_INGEST_TABLE", optional(sql_name()), "", "table: its name, or schema.name"
    )
    table_column: str | None = setting(
        "STREAMS_INGEST_TABLE_COLUMN",
        optional(sql_name()),
        "",
        "table: column that grows with each new row (whole numbers or timestamps)",
    )
    table_interval_ms: int = setting(
        "STREAMS_INGEST_TABLE_SECONDS", seconds(0.1, DAY_S), "5", "table: time between queries"
    )
    table_settle_ms: int = setting(
        "STREAMS_INGEST_TABLE_SETTLE_SECONDS",
        seconds(0, DAY_S),
        "5",
        "table: rows wait so long, for a smaller one may be committed later",
    )
    table_page: int = setting(
        "STREAMS_INGEST_TABLE_PAGE", integer(1, 10**5), "1000", "table: rows fetched at a time"
    )

    def __post_init__(self) -> None:
        if self.table_column is not None and "." in self.table_column:
            raise SettingError("STREAMS_INGEST_TABLE_COLUMN", "is the column's own name")
