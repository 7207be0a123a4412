"""How many bytes a local broker has written for each kind of topic."""

from collections import Counter
from pathlib import Path

#: Kinds by a part of the folder's name.
_KINDS = (
    "repartition",
    "changelog",
    "output",
    "input",
    "__consumer_offsets",
    "__transaction_state",
)


def written(folder: Path, app: str) -> Counter[str]:
    """Bytes in the logs of an application's topics, and in the cluster's own.

    Segments that were deleted less than a minute ago count, too: their files are still there.
    """
    found: Counter[str] = Counter()
    for partition in folder.glob("broker-*/data/*-*/"):
        name = partition.name
        if app in name or name.startswith("__"):
            kind = next((kind for kind in _KINDS if kind in name), "other")
            found[kind] += sum(file.stat().st_size for file in partition.glob("*.log*"))
    return found
