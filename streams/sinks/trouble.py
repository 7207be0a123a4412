"""Log lines about a peer that doesn't accept results: one now and then, however many fail."""

import logging
import time

log = logging.getLogger(__name__)

#: Seconds between two lines about the same kind of trouble.
EVERY_SECONDS = 30.0


class Trouble:
    """The state of one peer. Reasons must hold no secret."""

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._failures = 0
        self._rejected = 0
        #: When the present trouble was first told; None if there is none, or it wasn't.
        self._since: float | None = None
        self._told_at = float("-inf")
        self._told_rejected_at = float("-inf")

    def failed(self, reason: str) -> None:
        """Note a request whose results have to be sent again."""
        self._failures += 1
        now = time.monotonic()
        if now - self._told_at < EVERY_SECONDS:
            return
        self._told_at = now
        if self._since is None:
            self._since = now
        log.warning(
            "%s: %s. The results wait, and are sent again (failed requests: %d)",
            self._peer,
            reason,
            self._failures,
        )

    def accepted(self) -> None:
        """Note that a result was accepted."""
        if self._since is not None:
            seconds = time.monotonic() - self._since
            log.info("%s accepts results again, after %.1f s", self._peer, seconds)
            self._since = None

    def rejected(self, id_: str, reason: str) -> None:
        """Note a result that goes to the dead letters."""
        self._rejected += 1
        now = time.monotonic()
        if now - self._told_rejected_at < EVERY_SECONDS:
            return
        self._told_rejected_at = now
        log.warning(
            "%s: %s goes to the dead letters (of %d by now): %s",
            self._peer,
            id_,
            self._rejected,
            reason,
        )
