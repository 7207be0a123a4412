"""Where sinks deliver to: the `STREAMS_APPSYNC_*` variables."""

import re
from dataclasses import dataclass

from streams.errors import SettingError
from streams.service_kinds import secret_arn, service_url
from streams.setting_fields import setting
from streams.setting_kinds import (
    TOPIC_LENGTH,
    Secret,
    choice,
    integer,
    name_of,
    optional,
    seconds,
    secret,
    several,
    text,
)

#: Segments of an Events API's channel; the first is its namespace.
CHANNEL_SEGMENTS = 5

_FIELDS = re.compile(r"\{(topic|key)\}")


@dataclass(frozen=True, kw_only=True)
class AppSyncSettings:
    """Where and how results go to AppSync. Building one raises SettingError when parts don't fit.

    Attributes that end in `_ms` are milliseconds.
    """

    url: str | None = setting(
        "STREAMS_APPSYNC_URL",
        optional(service_url()),
        "",
        "deliver results to this AppSync API: its GraphQL URL, or its Events URL",
    )
    mode: str = setting(
        "STREAMS_APPSYNC_MODE",
        choice("graphql", "typed", "events"),
        "graphql",
        "which API that is; the schemas are in `deploy/appsync`",
    )
    topics: tuple[str, ...] = setting(
        "STREAMS_APPSYNC_TOPICS",
        several(name_of("a topic", TOPIC_LENGTH)),
        "",
        "topics whose records are delivered",
        shown="{output}",
    )
    channel: str | None = setting(
        "STREAMS_APPSYNC_CHANNEL",
        optional(text()),
        "",
        "channel of a result, such as `ticker-{key}`",
        shown="{topic}, and default/{topic} for events",
    )
    auth: str = setting(
        "STREAMS_APPSYNC_AUTH",
        choice("api_key", "iam"),
        "api_key",
        "who we are: `iam` takes AWS credentials from where all AWS clients look",
    )
    api_key: Secret | None = setting(
        "STREAMS_APPSYNC_API_KEY", optional(secret()), "", "API key, with api_key"
    )
    api_key_secret_arn: str | None = setting(
        "STREAMS_APPSYNC_API_KEY_SECRET_ARN",
        optional(secret_arn()),
        "",
        "or the secret in AWS Secrets Manager that holds it",
    )
    batch: int = setting(
        "STREAMS_APPSYNC_BATCH",
        integer(1, 100),
        "25",
        "results that one request carries at most; events: never more than 5",
    )
    concurrency: int = setting(
        "STREAMS_APPSYNC_CONCURRENCY",
        integer(1, 256),
        "8",
        "requests of one worker at the same time",
    )
    timeout_ms: int = setting(
        "STREAMS_APPSYNC_TIMEOUT_SECONDS",
        seconds(0.1, 300),
        "10",
        "a request without an answer for so long is sent again",
    )
    retry_max_ms: int = setting(
        "STREAMS_APPSYNC_RETRY_MAX_SECONDS",
        seconds(0.1, 3600),
        "30",
        "the longest pause before it is sent again",
    )

    def __post_init__(self) -> None:
        if self.url is None:
            self._check_off()
        else:
            self._check_key()
            self._check_channel()

    @property
    def channel_template(self) -> str:
        """The template of channels, the default one if none is set."""
        default = "default/{topic}" if self.mode == "events" else "{topic}"
        return self.channel or default

    def _check_off(self) -> None:
        for variable, value in {
            "STREAMS_APPSYNC_API_KEY": self.api_key,
            "STREAMS_APPSYNC_API_KEY_SECRET_ARN": self.api_key_secret_arn,
            "STREAMS_APPSYNC_TOPICS": self.topics,
        }.items():
            if value:
                raise SettingError("STREAMS_APPSYNC_URL", f"is needed, since {variable} is set")

    def _check_key(self) -> None:
        arn = self.api_key_secret_arn
        if self.auth == "iam":
            for variable, value in {
                "STREAMS_APPSYNC_API_KEY": self.api_key,
                "STREAMS_APPSYNC_API_KEY_SECRET_ARN": arn,
            }.items():
                if value is not None:
                    raise SettingError(
                        "STREAMS_APPSYNC_AUTH",
                        f"iam makes no use of {variable}, which is set",
                        f"api_key, or leave {variable} unset",
                    )
        elif self.api_key is not None and arn is not None:
            raise SettingError(
                "STREAMS_APPSYNC_API_KEY_SECRET_ARN",
                "is set beside STREAMS_APPSYNC_API_KEY",
                "one of the two",
            )
        elif self.api_key is None and arn is None:
            raise SettingError(
                "STREAMS_APPSYNC_API_KEY",
                "is needed with STREAMS_APPSYNC_URL",
                "the key, or its secret in STREAMS_APPSYNC_API_KEY_SECRET_ARN, or "
                "STREAMS_APPSYNC_AUTH=iam",
            )

    def _check_channel(self) -> None:
        template = self.channel_template
        if self.channel is not None and self.mode == "typed":
            problem = "a typed API has no channels"
        elif re.search(r"[{}]", _FIELDS.sub("", template)):
            problem = f"{template!r} is refused: it may hold no other braces"
        elif self.mode == "events" and not _is_channel(_FIELDS.sub("x", template)):
            problem = f"{template!r} is refused: not a channel of an Events API"
        else:
            return
        allowed = "a text with {topic} and {key}"
        if self.mode == "events":
            allowed = (
                f"a namespace and up to {CHANNEL_SEGMENTS - 1} segments of letters, digits, '-', "
                "{topic} and {key}, separated by '/'"
            )
        raise SettingError("STREAMS_APPSYNC_CHANNEL", problem, allowed)


def _is_channel(path: str) -> bool:
    segments = path.strip("/").split("/")
    return 2 <= len(segments) <= CHANNEL_SEGMENTS and all(
        re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", segment) for segment in segments
    )
