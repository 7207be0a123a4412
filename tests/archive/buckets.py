"""A bucket at ministack, looked at as any reader would. It keeps each version of an object."""

from collections.abc import Iterator
from typing import Any

from tests.appsync.ministack import Ministack


class TestBucket:
    """See the module; it is made with the object."""

    __test__ = False  # not a test, whatever pytest makes of its name

    def __init__(self, s3: Ministack, name: str) -> None:
        self.name = name
        self.client = s3.client("s3")
        self.client.create_bucket(Bucket=name)
        self.client.put_bucket_versioning(
            Bucket=name, VersioningConfiguration={"Status": "Enabled"}
        )
        self._s3 = s3

    @property
    def variables(self) -> dict[str, str]:
        """What leads `tally archive` there."""
        return {**self._s3.variables, "STREAMS_ARCHIVE_URL": f"s3://{self.name}/kept"}

    def keys(self) -> list[str]:
        """The keys of all visible objects."""
        return [entry["Key"] for entry in self._listed("list_objects_v2", "Contents")]

    def repeats(self) -> int:
        """How often an object was stored once more; each time it has to be the same."""
        tags: dict[str, list[str]] = {}
        for version in self._listed("list_object_versions", "Versions"):
            tags.setdefault(version["Key"], []).append(version["ETag"])
        changed = {key: found for key, found in tags.items() if len(set(found)) > 1}
        assert not changed, f"objects have changed: {changed}"
        return sum(len(found) - 1 for found in tags.values())

    def objects(self) -> dict[str, bytes]:
        """All visible objects."""
        return {key: self.read(key) for key in self.keys()}

    def read(self, key: str) -> bytes:
        """An object."""
        data: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return data

    def begun(self) -> list[dict[str, Any]]:
        """Uploads in parts that were neither completed nor aborted."""
        found: list[dict[str, Any]] = self.client.list_multipart_uploads(Bucket=self.name).get(
            "Uploads", []
        )
        return found

    def _listed(self, operation: str, entries: str) -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator(operation).paginate(Bucket=self.name)
        return (entry for page in pages for entry in page.get(entries, []))
