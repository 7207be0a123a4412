"""What topics' values are, and where their schemas are: `STREAMS_SCHEMA_*` and its neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streams.errors import SettingError
from streams.schemas.setting_kinds import files, formats
from streams.service_kinds import service_url
from streams.setting_fields import setting
from streams.setting_kinds import Secret, boolean, choice, name_of, optional, secret, text

GLUE_NAME_LENGTH = 255


@dataclass(frozen=True, kw_only=True)
class SchemaSettings:
    """See the module. Building one raises SettingError when parts don't fit."""

    formats: Mapping[str, str] = setting(
        "STREAMS_VALUE_FORMATS",
        formats(),
        "",
        "how topics' values are encoded, such as `twitter_input=avro`; else hashtags are raw "
        "strings, prices JSON, and finals what STREAMS_OUTPUT_FORMAT says",
    )
    files: Mapping[str, Path] = setting(
        "STREAMS_SCHEMA_FILES",
        files(),
        "",
        "Avro schemas (.avsc) of topics: what we write there, and read as; unset = we write our "
        "own, and read by the writer's",
    )
    register: bool = setting(
        "STREAMS_SCHEMA_REGISTER",
        boolean(),
        "true",
        "register the schema of what we write; false = it has to be in the registry",
    )
    url: str | None = setting(
        "STREAMS_SCHEMA_REGISTRY_URL",
        optional(service_url()),
        "",
        "a schema registry with Confluent's API; Apicurio's ends in /apis/ccompat/v7",
    )
    username: str | None = setting(
        "STREAMS_SCHEMA_REGISTRY_USERNAME", optional(text()), "", "user there, or API key"
    )
    password: Secret | None = setting(
        "STREAMS_SCHEMA_REGISTRY_PASSWORD", optional(secret()), "", "password, or API secret"
    )
    glue_registry: str | None = setting(
        "STREAMS_GLUE_REGISTRY",
        optional(name_of("a registry", GLUE_NAME_LENGTH)),
        "",
        "or a registry of AWS Glue; credentials come from where all AWS clients look",
    )
    glue_compatibility: str = setting(
        "STREAMS_GLUE_COMPATIBILITY",
        choice(
            "NONE",
            "DISABLED",
            "BACKWARD",
            "BACKWARD_ALL",
            "FORWARD",
            "FORWARD_ALL",
            "FULL",
            "FULL_ALL",
        ),
        "BACKWARD",
        "compatibility mode of the schemas that we create in Glue",
    )

    def __post_init__(self) -> None:
        if self.url is not None and self.glue_registry is not None:
            problem = "is set beside STREAMS_SCHEMA_REGISTRY_URL"
            raise SettingError("STREAMS_GLUE_REGISTRY", problem, "one of the two")
        login = {
            "STREAMS_SCHEMA_REGISTRY_USERNAME": self.username,
            "STREAMS_SCHEMA_REGISTRY_PASSWORD": self.password,
        }
        given = [variable for variable, value in login.items() if value is not None]
        if given and self.url is None:
            raise SettingError("STREAMS_SCHEMA_REGISTRY_URL", f"is needed with {given[0]}")
        if len(given) == 1:
            [missing] = login.keys() - given
            raise SettingError(missing, f"is needed with {given[0]}")

    def check_avro(self, topics: Mapping[str, str]) -> None:
        """See that there is what Avro takes; `topics` has the variable that says so by topic."""
        for topic in self.files:
            if topic not in topics:
                problem = f"there is a schema of {topic}, whose values aren't Avro"
                raise SettingError("STREAMS_SCHEMA_FILES", problem)
        if topics and self.url is None and self.glue_registry is None:
            topic, variable = next(iter(topics.items()))
            raise SettingError(
                "STREAMS_SCHEMA_REGISTRY_URL",
                f"is needed, or STREAMS_GLUE_REGISTRY, since {variable} says that {topic} is Avro",
            )
