"""What is committed with offset a before the records of [a, b) are archived: how to do it again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from streams.errors import SettingError, TaskStoppedError

VERSION = 1
#: Characters of metadata that brokers keep with an offset.
METADATA_LENGTH = 4096

#: All that names and content of objects depend on, besides the records.
Rules = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """Archive up to offset `to`, by these rules; so many records are found, and so many kept."""

    to: int
    records: int
    archived: int
    rules: Rules

    def encode(self) -> str:
        """The metadata to commit."""
        values = {
            "v": VERSION,
            "to": self.to,
            "records": self.records,
            "archived": self.archived,
            "rules": dict(self.rules),
        }
        return json.dumps(values, separators=(",", ":"))

    @classmethod
    def decode(cls, metadata: str) -> Self | None:
        """The inverse of `encode`; no metadata: there is no plan.

        Raises TaskStoppedError for what is no plan of ours.
        """
        if not metadata:
            return None
        try:
            values = json.loads(metadata)
            if values["v"] != VERSION:
                raise TaskStoppedError(
                    "the plan was committed by another version", "Let that version finish it"
                )
            rules = {str(name): str(value) for name, value in values["rules"].items()}
            to, records, archived = (int(values[name]) for name in ("to", "records", "archived"))
            return cls(to, records, archived, rules)
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise TaskStoppedError(
                f"the offset was committed by another program: {exc!r}",
                "Let the archive be an application of its own, by its STREAMS_APP_ID",
            ) from exc


def check_rules(rules: Rules, variable: str) -> None:
    """Raise SettingError, by `variable`, if no plan with these rules could be committed."""
    if len(Plan(2**63 - 1, 2**63 - 1, 2**63 - 1, rules).encode()) > METADATA_LENGTH:
        raise SettingError(variable, "what it says is too long, with all the others of its kind")
