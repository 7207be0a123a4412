"""Buckets have to be empty before they can be deleted."""

import json

from deploy.aws.tools import DeployError, argument_file, aws

#: The most that one request deletes.
PAGE = 1000


def empty(bucket: str) -> None:
    """Delete all objects, their former versions too. Raises DeployError if one has to stay."""
    where = ["--bucket", bucket]
    while found := _some_versions(where):
        # So many names are too long for an argument.
        with argument_file(json.dumps({"Objects": found, "Quiet": True})) as deleted:
            answer = aws("s3api", "delete-objects", *where, "--delete", deleted)
        if errors := (answer or {}).get("Errors"):
            raise DeployError(f"{errors[0]['Key']} stays in {bucket}: {errors[0]['Message']}")


def _some_versions(where: list[str]) -> list[dict[str, str]]:
    page = aws("s3api", "list-object-versions", *where, "--max-keys", str(PAGE), "--no-paginate")
    kinds = ("Versions", "DeleteMarkers")
    versions = [version for kind in kinds for version in (page or {}).get(kind, [])]
    return [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
