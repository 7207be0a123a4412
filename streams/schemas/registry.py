"""What is asked of a schema registry, whoever made it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from streams.schemas.wire import WireFormat


class SchemaText(NamedTuple):
    """A schema as a registry holds it; `references` are those that it builds upon, in order."""

    text: str
    references: Sequence[str] = ()


class Registry(Protocol):
    """A connection to a registry. Each method raises RegistryError if that can't be asked now.

    Each asks once, and waits no longer than its time limit.
    """

    wire: WireFormat

    async def check(self) -> None:
        """See that the registry is there, and lets us in."""

    async def schema(self, schema_id: str) -> SchemaText | None:
        """The Avro schema of that id; None if it says that there is none.

        Raises MisfitError if it is of another kind.
        """

    async def find(self, topic: str, text: str) -> str | None:
        """The id under which a schema is registered for a topic's values; None if it isn't."""

    async def register(self, topic: str, text: str) -> str:
        """Register a schema for a topic's values; returns its id.

        Raises SchemaRefusedError if it is wrong, or incompatible with those before it.
        """

    async def objections(self, topic: str, text: str) -> str:
        """What makes a schema incompatible with those before it; empty if nothing is known to."""

    async def close(self) -> None:
        """Close all connections."""
