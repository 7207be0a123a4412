"""Archived objects, read back: which records they hold, and whether they lie where they belong."""

import base64
import gzip
import io
import itertools
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pyarrow.parquet as pq
from pyarrow.dataset import dataset


class Kept(NamedTuple):
    """One archived record; `timestamp` in ms."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes


_NAME = re.compile(
    r"(?P<topic>.+)-(?P<partition>\d+)-(?P<start>\d{12})-(?P<to>\d{12})\.(?P<kind>.+)"
)


class Place(NamedTuple):
    """What an object's key says."""

    folders: dict[str, str]
    topic: str
    partition: int
    start: int
    to: int
    kind: str

    @classmethod
    def of(cls, key: str, prefix: str) -> "Place":
        assert key.startswith(prefix)
        *folders, name = key[len(prefix) :].split("/")
        found = _NAME.fullmatch(name)
        assert found, name
        return cls(
            {field: unquote(value) for field, _, value in (f.partition("=") for f in folders)},
            found["topic"],
            int(found["partition"]),
            int(found["start"]),
            int(found["to"]),
            found["kind"],
        )


def rows(kind: str, data: bytes) -> list[Kept]:
    """An object's records."""
    if kind == "parquet":
        table = pq.read_table(io.BytesIO(data))
        names = ("partition", "offset", "timestamp", "key", "value")
        columns = [table[name].to_pylist() for name in names]
        return [
            Kept(partition, offset, round(at.timestamp() * 1000), key, value.encode())
            for partition, offset, at, key, value in zip(*columns, strict=True)
        ]
    lines = [json.loads(line) for line in gzip.decompress(data).splitlines()]
    return [
        Kept(
            line["partition"],
            line["offset"],
            line["timestamp"],
            base64.b64decode(line["key_base64"]) if "key_base64" in line else _bytes(line["key"]),
            json.dumps(line["value"]).encode(),
        )
        for line in lines
    ]


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def union(objects: Mapping[str, bytes], prefix: str = "") -> dict[tuple[int, int], Kept]:
    """All records by partition and offset; each is there once and under its own path.

    Values are JSON objects with `ticker` and `event_time`, or this fails.
    """
    found: dict[tuple[int, int], Kept] = {}
    for key, data in objects.items():
        place = Place.of(key, prefix)
        kept = rows(place.kind, data)
        assert kept, f"{key} is empty"
        assert [row.offset for row in kept] == sorted(row.offset for row in kept)
        for row in kept:
            assert row.partition == place.partition
            assert place.start <= row.offset < place.to
            assert (row.partition, row.offset) not in found, f"{row} is there twice"
            assert place.folders == folders(json.loads(row.value)), (key, row)
            found[row.partition, row.offset] = row
    return found


def read_as_dataset(objects: Mapping[str, bytes], folder: Path) -> Any:
    """All objects as one table, as pyarrow reads such folders."""
    for key, data in objects.items():
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return dataset(folder, format="parquet", partitioning="hive").to_table()


def folders(value: Mapping[str, str]) -> dict[str, str]:
    """Where a quote belongs."""
    at = datetime.fromisoformat(value["event_time"])
    at = at.astimezone(UTC) if at.tzinfo else at
    return {"ticker": value["ticker"], "dt": f"{at:%Y-%m-%d}", "hr": f"{at:%H}"}


def same(value: bytes | None, kept: bytes) -> bool:
    """Whether a JSON value was kept."""
    return value is not None and json.loads(value) == json.loads(kept)


def intervals(keys: Iterable[str], prefix: str = "") -> dict[int, list[tuple[int, int]]]:
    """By partition, the [a, b) that objects are named by; none overlaps another."""
    found: dict[int, set[tuple[int, int]]] = {}
    for key in keys:
        place = Place.of(key, prefix)
        found.setdefault(place.partition, set()).add((place.start, place.to))
    by_partition = {partition: sorted(of) for partition, of in found.items()}
    for of in by_partition.values():
        for (_, to), (start, _) in itertools.pairwise(of):
            assert to <= start, of
    return by_partition
