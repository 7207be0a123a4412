"""How long to wait before trying again."""

import random


class Backoff:
    """Doubles from `base_s` up to `cap_s`, each time up to a quarter longer by chance.

    The jitter only adds: services state the least they want to be left alone.
    """

    def __init__(self, base_s: float, cap_s: float, rng: random.Random | None = None) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._rng = rng or random.Random()
        self._failures = 0

    def next_s(self) -> float:
        # The exponent is bounded: 2.0 ** 1024 would overflow after a long outage.
        delay = min(self._cap_s, self._base_s * 2.0 ** min(self._failures, 64))
        self._failures += 1
        return delay * self._rng.uniform(1, 1.25)

    def reset(self) -> None:
        self._failures = 0
