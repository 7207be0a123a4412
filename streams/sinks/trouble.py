"""Log lines about a peer that doesn't accept results: one now and then, however many fail."""

import logging
import time

log = logging.getLogger(__name__)

#: Seconds between two lines about the same trouble.
EVERY_SECONDS = 30.0


class Trouble:
    """The state of one peer. Reasons must hold no secret."""

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._since: float | None = None
        self._failures = 0
        self._told_at = float("-inf")
        self._rejected = 0
        self._told_rejected_at = float("-inf")

    def failed(self, reason: str) -> None:
        """Note a request whose results have to be sent again."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        self._failures += 1
        if now - self._told_at >= EVERY_SECONDS:
            self._told_at = now
            log.warning(
                "%s: %s. The results wait, and are sent again (%d failures in %.0f s)",
                self._peer,
                reason,
                self._failures,
                now - self._since,
            )

    def accepted(self) -> None:
        """Note that a request succeeded."""
        if self._since is not None:
            seconds = time.monotonic() - self._since
            log.info("%s accepts results again, after %.1f s", self._peer, seconds)
            self._since, self._failures, self._told_at = None, 0, float("-inf")

    def rejected(self, id_: str, reason: str) -> None:
        """Note a result that goes to the dead letters."""
        now = time.monotonic()
        self._rejected += 1
        if now - self._told_rejected_at >= EVERY_SECONDS:
            self._told_rejected_at = now
            log.warning(
                "%s: %s goes to the dead letters (%d by now): %s",
                self._peer,
                id_,
                self._rejected,
                reason,
            )
