"""Which variables belong together: each mechanism has some ways to be told who we are."""

from collections.abc import Collection

from streams.errors import SettingError

IAM = "AWS_MSK_IAM"
OAUTH = "OAUTHBEARER"

Way = tuple[str, ...]

_PASSWORD: tuple[Way, ...] = (
    ("KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"),
    ("KAFKA_SASL_CREDENTIALS_FILE",),
    ("KAFKA_SASL_SECRET_ARN",),
)
_TOKEN: tuple[Way, ...] = (
    ("KAFKA_SASL_TOKEN_FILE",),
    *(("KAFKA_SASL_TOKEN_URL", *way) for way in _PASSWORD),
)


def check_way(mechanism: str, present: Collection[str]) -> None:
    """Raise SettingError unless the variables that are set are exactly one way."""
    ways = {OAUTH: _TOKEN, IAM: ((),)}.get(mechanism, _PASSWORD)
    given = set(present)
    for variable in sorted(given.difference(*ways)):
        # Refused rather than ignored: who sets it believes that it is used.
        raise SettingError(
            "KAFKA_SASL_MECHANISM",
            f"{mechanism} makes no use of {variable}, which is set",
            f"another mechanism, or leave {variable} unset",
        )
    meant = [way for way in ways if given.intersection(way)] or ways[:1]
    nearest = min(meant, key=lambda way: len(given.symmetric_difference(way)))
    for variable in nearest:
        if variable not in given:
            others = " or ".join(" and ".join(way) for way in ways)
            raise SettingError(variable, f"is needed with {mechanism}", others)
    for variable in sorted(given.difference(nearest)):
        raise SettingError(variable, f"is set beside {nearest[0]}", "only one of the two")
