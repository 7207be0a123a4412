"""Where tweets come from. A source yields them in chunks and says at the end what it left out."""

from collections.abc import AsyncGenerator
from typing import Protocol

from producers.hashtags import TaggedTweet


class Source(Protocol):
    """What the runner needs of a source; each module of this package has one."""

    def chunks(self) -> AsyncGenerator[list[TaggedTweet], None]:
        """Tweets in the order to publish; raises TallyError when it can't go on."""
        ...

    def report(self) -> str:
        """What people should know about the run, in a few words; empty if nothing."""
        ...
