"""Kafka's jars: named and pinned by ``kafka.lock``, downloaded once by jgo, checked at every start.

The lock file names every jar with its size and sha256, so nothing is resolved at run time and
a registry or a mirror can't slip in something else. Which registry is asked is jgo's business:
its own configuration file may name a mirror.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import requests
from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver

from deploy.local.errors import JarMismatchError, RegistryUnreachableError
from deploy.local.progress import FileProgress, Reporter

LOCK_FILE = Path(__file__).with_name("kafka.lock")
PARALLEL_DOWNLOADS = 4
REGISTRY_TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Jar:
    """One line of the lock file."""

    coordinate: str
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        _group, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"

    @classmethod
    def parse(cls, line: str) -> Jar:
        coordinate, size, sha256 = line.split()
        return cls(coordinate, int(size), sha256)

    def __str__(self) -> str:
        return f"{self.coordinate} {self.size} {self.sha256}"


def read_lock(path: Path = LOCK_FILE) -> list[Jar]:
    """Every jar of the lock file, in its order (which is the class path's)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Jar.parse(line) for line in lines if line and not line.startswith("#")]


def cache_dir() -> Path:
    """Where downloads are kept: ``TALLY_CACHE_DIR``, else the user's cache folder."""
    if chosen := os.environ.get("TALLY_CACHE_DIR"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tally"


def fetch(reporter: Reporter, lock: Path = LOCK_FILE) -> list[Path]:
    """The verified jars of ``lock``, downloading those that aren't in the cache."""
    jars = read_lock(lock)
    folder = cache_dir() / "jars"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in jars if not (folder / jar.filename).exists()]
    if missing:
        _download(missing, folder, reporter)
    for jar in jars:
        _verify(folder / jar.filename, jar)
    return [folder / jar.filename for jar in jars]


def _download(jars: list[Jar], folder: Path, reporter: Reporter) -> None:
    size = sum(jar.size for jar in jars)
    with (
        reporter.download(f"downloading {len(jars)} jars of Kafka, once", size) as progress,
        # Beside the final place, so that moving a verified jar there is atomic: two first
        # starts at the same time may each download, but neither sees half a jar.
        tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as scratch,
    ):
        registry = _registry(Path(scratch), progress)
        pool = ThreadPoolExecutor(PARALLEL_DOWNLOADS, thread_name_prefix="jars")
        try:
            for _ in pool.map(lambda jar: _download_one(registry, jar, folder), jars):
                pass
        except (requests.RequestException, RuntimeError) as error:
            raise RegistryUnreachableError(
                f"The first start downloads {size / 1e6:.0f} MB of jars from a Maven package "
                f"registry, which couldn't be reached: {error}"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _registry(scratch: Path, progress: FileProgress) -> MavenContext:
    registry = MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=scratch,
        timeout=REGISTRY_TIMEOUT_SECONDS,
    )
    registry.remote_repos.update(GlobalSettings.load().repositories)
    return registry


def _download_one(registry: MavenContext, jar: Jar, folder: Path) -> None:
    path = registry.create_dependency(jar.coordinate).artifact.resolve()
    _verify(path, jar)
    path.replace(folder / jar.filename)


def _verify(path: Path, jar: Jar) -> None:
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != jar.sha256:
        raise JarMismatchError(
            f"{jar.coordinate} is not the jar that {LOCK_FILE.name} names: "
            f"sha256 is {actual}, expected {jar.sha256} ({path})"
        )
