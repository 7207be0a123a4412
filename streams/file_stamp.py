"""Whether a file has changed since somebody looked at it."""

from pathlib import Path

Stamp = tuple[int, int, int]


def stamp(file: Path) -> Stamp:
    """What is another one once the file was written or replaced; raises OSError."""
    status = file.stat()
    return status.st_mtime_ns, status.st_ino, status.st_size
