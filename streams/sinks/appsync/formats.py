"""What the three kinds of API have in common: how results become requests, and answers verdicts."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from streams.errors import UndeliverableError
from streams.sinks.appsync.verdicts import Verdict
from streams.tasks.results import Result

#: Bytes of one message. AppSync refuses what is larger than 240 KB.
MESSAGE_BYTES = 240_000
#: Bytes of all messages of one request.
REQUEST_BYTES = 900_000


class Item(NamedTuple):
    """A result, ready to be sent. Only items of one `group` may share a request."""

    result: Result
    content: Any
    size: int
    group: str


class Format(Protocol):
    """One kind of API."""

    @property
    def most(self) -> int:
        """Items that a request may carry."""

    def item(self, result: Result) -> Item:
        """Prepare a result. Raises UndeliverableError."""

    def request(self, items: Sequence[Item]) -> bytes:
        """The body of a request, JSON."""

    def verdicts(self, answer: Any, n: int) -> list[Verdict]:
        """What an answer with status 200 says of a request of n items; `answer` is its JSON."""


def checked_size(size: int) -> int:
    """The size in bytes; raises UndeliverableError for more than the API takes."""
    if size > MESSAGE_BYTES:
        raise UndeliverableError(f"larger than {MESSAGE_BYTES} bytes: {size}")
    return size
