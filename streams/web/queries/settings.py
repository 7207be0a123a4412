"""Settings of the queries."""

from dataclasses import dataclass

from streams.setting_fields import setting
from streams.setting_kinds import integer, optional
from streams.web.queries.setting_kinds import base_url, base_urls


@dataclass(frozen=True, kw_only=True)
class QuerySettings:
    """How workers and gateways find each other, and how much they remember."""

    advertised_url: str | None = setting(
        "STREAMS_ADVERTISED_URL",
        optional(base_url()),
        "",
        "where other workers and gateways reach this worker's web server",
        shown="http(s)://{web host}:{web port}",
    )
    workers: tuple[str, ...] = setting(
        "STREAMS_LIVE_WORKERS",
        base_urls(),
        "",
        "some workers' web servers: `tally gateway` asks them for the counts of open windows",
    )
    history_windows: int = setting(
        "STREAMS_LIVE_HISTORY_WINDOWS",
        integer(1, 10_000),
        "30",
        "how many of the newest windows queries can answer for",
    )
