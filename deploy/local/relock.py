"""Writes ``kafka.lock`` anew: ``python -m deploy.local.relock``, after changing a version here."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from jgo.maven import Artifact, MavenContext

from deploy.local.jars import LOCK_FILE, Jar

WANTED = ("org.apache.kafka:kafka_2.13:4.1.0", "org.slf4j:slf4j-simple:1.7.36")
HEADER = "# group:artifact:version, bytes, sha256 -- written by deploy.local.relock, not by hand."


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        registry = MavenContext(repo_cache=Path(scratch))
        wanted = [registry.create_dependency(coordinate) for coordinate in WANTED]
        inputs, transitive = registry.resolver.resolve(wanted)
        jars = sorted(str(_pin(dependency.artifact)) for dependency in inputs + transitive)
    LOCK_FILE.write_text("\n".join([HEADER, *jars]) + "\n", encoding="utf-8")


def _pin(artifact: Artifact) -> Jar:
    content = artifact.resolve().read_bytes()
    coordinate = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
    return Jar(coordinate, len(content), hashlib.sha256(content).hexdigest())


if __name__ == "__main__":
    main()
