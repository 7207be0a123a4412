"""What stored counts depend on. With other settings they can't be gone on with."""

from streams.errors import FingerprintMismatchError

Fingerprint = dict[str, int | str]


def check_fingerprint(whose: str, stored: Fingerprint, wanted: Fingerprint) -> None:
    """Raise FingerprintMismatchError, naming what differs, unless both are the same."""
    names = [name for name in {**stored, **wanted} if stored.get(name) != wanted.get(name)]
    if names:
        parts = [f"{n} was {stored.get(n)!r} and is now {wanted.get(n)!r}" for n in names]
        raise FingerprintMismatchError(
            f"the counts of {whose} were made with other settings: {'; '.join(parts)}"
        )
