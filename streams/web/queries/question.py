"""A question for a hashtag's counts in open windows, and who has passed it on."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from streams.core.window_count import WindowCount

#: Who passed a question on, if anybody did.
HOP_HEADER = "Tally-Hop"


class Hop(Enum):
    """Who asks. A gateway asks a worker, which may ask the owner; nobody is asked after that."""

    CLIENT = ""
    GATEWAY = "gateway"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `text` as the client wrote it, and the `hashtag` it is counted under."""

    text: str
    hashtag: str
    hop: Hop = Hop.CLIENT
    #: The client's right to ask, passed on with the question.
    authorization: str | None = None

    @property
    def key(self) -> bytes:
        """The key of the hashtag's counts."""
        return self.hashtag.encode()


class OpenCounts(Protocol):
    """Knows, or finds out, the counts of open windows."""

    async def ask(self, question: Question) -> list[WindowCount]:
        """The committed counts of the hashtag's open windows, oldest first.

        Raises NotOwnerError if they are elsewhere and the question may not be passed on, and
        NotReadyError if nobody can tell just now.
        """

    async def close(self) -> None:
        """Let go of all connections."""
