"""How long to wait before something is sent again."""

import random
from email.utils import parsedate_to_datetime
from time import time

#: Seconds of the first pause, at most; each further one may be twice as long.
FIRST_SECONDS = 0.2
#: Seconds that a peer may ask us to wait.
RETRY_AFTER_SECONDS = 300.0


class Backoff:
    """Full jitter: any pause up to a bound that doubles, so that those who failed together part."""

    def __init__(self, longest_seconds: float, rng: random.Random | None = None) -> None:
        self._longest = longest_seconds
        self._rng = rng or random.Random()
        self._failures = 0

    def next_seconds(self, at_least: float = 0.0) -> float:
        """The next pause; `at_least` is what the peer has asked for."""
        # The exponent is bounded: 2.0 ** 1024 would overflow after a long outage.
        bound = min(self._longest, FIRST_SECONDS * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return at_least + self._rng.uniform(0, bound)


def retry_after(header: str | None) -> float:
    """The seconds that a `Retry-After` header asks for: a number or a date. 0 if there is none."""
    if not header:
        return 0.0
    try:
        if header.isdigit():
            seconds = float(header)
        else:
            seconds = parsedate_to_datetime(header).timestamp() - time()
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS)
