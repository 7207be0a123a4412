"""Java's notions of text, so that results equal those of the Kafka Streams program."""

# java.lang.String.trim() removes every character up to and including U+0020, and no other.
_TRIMMED = "".join(map(chr, range(0x21)))


def trim(text: str) -> str:
    """`String.trim()`: unlike `str.strip()` it leaves non-ASCII space and removes controls."""
    return text.strip(_TRIMMED)


def longer_than_one(text: str) -> bool:
    """`text.length() > 1` as in Java: in UTF-16 units, so that a single emoji passes."""
    return len(text) > 1 or text > "\uffff"


def hashtag_of(text: str) -> str | None:
    """The hashtag that the main job counts `text` under; None if it doesn't count it."""
    return trim(text.lower()) if longer_than_one(text) else None
