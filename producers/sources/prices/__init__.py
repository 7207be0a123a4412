"""Where prices come from: a simulator, or a market-data API that is asked at intervals."""

from collections.abc import AsyncGenerator, Sequence
from typing import ClassVar, Protocol

from producers.quotes import Quote


class Market(Protocol):
    """An API of prices. One class, in a file of its own, and a line in the command's list."""

    #: What people call it.
    name: ClassVar[str]

    def latest(self, symbols: Sequence[str]) -> AsyncGenerator[list[Quote], None]:
        """The latest quote of each symbol that has one, as they come in.

        Raises SettingError when our key is refused, LimitedError when we ask too often; else
        aiohttp.ClientError, TimeoutError, or ValueError for an answer that isn't understood.
        """
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class LimitedError(Exception):
    """We ask too often; `wait_s` is how long to leave it alone, as far as it says so."""

    def __init__(self, wait_s: float = 0.0) -> None:
        super().__init__("it limits our rate")
        self.wait_s = wait_s
