"""Lines out of pieces of a text, as they come."""


class LongLineError(ValueError):
    """A line is longer than it may be."""


class Lines:
    """Lines end with \\n or \\r\\n. What is kept is no more than a line that has begun."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._begun = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that end in `piece`; raises LongLineError."""
        *lines, self._begun = (self._begun + piece).split(b"\n")
        if any(len(line) > self._max_bytes for line in (*lines, self._begun)):
            raise LongLineError(f"A line is longer than {self._max_bytes:,} bytes")
        return [line.rstrip(b"\r") for line in lines]

    def end(self) -> list[bytes]:
        """The last line, if the text doesn't end with \\n."""
        begun, self._begun = self._begun, b""
        return [begun.rstrip(b"\r")] if begun else []
