"""Jars come once, are checked always, and from nowhere but where the lock file's match."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from deploy.local.cli import main
from deploy.local.errors import JarMismatchError, RegistryUnreachableError
from deploy.local.jars import LOCK_FILE, Jar, cache_dir, fetch, read_lock
from deploy.local.ports import HOST
from deploy.local.progress import Reporter

CONTENTS = {"org.example:one:1.0": b"first jar", "org.example:two:2.0": b"second jar" * 10_000}


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TALLY_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package registry on loopback; the folder that it serves."""
    folder = tmp_path / "registry"
    for coordinate, content in CONTENTS.items():
        group, artifact, version = coordinate.split(":")
        home = folder.joinpath(*group.split("."), artifact, version)
        home.mkdir(parents=True)
        (home / f"{artifact}-{version}.jar").write_bytes(content)
    handler = partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer((HOST, 0), handler) as server:
        config = tmp_path / "jgo.conf"
        config.write_text(f"[repositories]\ncentral = http://{HOST}:{server.server_port}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(config))
        monkeypatch.setenv("NO_PROXY", HOST)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder
        server.shutdown()
        thread.join()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock file for what the registry has."""
    file = tmp_path / "test.lock"
    pins = [Jar(c, len(b), hashlib.sha256(b).hexdigest()) for c, b in CONTENTS.items()]
    file.write_text("# a comment\n" + "".join(f"{pin}\n" for pin in pins))
    return file


def test_the_lock_pins_one_kafka_and_names_no_registry() -> None:
    jars = read_lock()
    assert len({jar.filename for jar in jars}) == len(jars)
    versions = {jar.coordinate.rpartition(":")[2] for jar in jars if ":kafka" in jar.coordinate}
    assert versions == {"4.1.0"}
    assert "://" not in LOCK_FILE.read_text()


@pytest.mark.usefixtures("registry")
def test_jars_are_downloaded_once(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = fetch(Reporter(), lock)
    assert [path.read_bytes() for path in first] == list(CONTENTS.values())
    assert capsys.readouterr().err.count("downloading 2 jars") == 1
    assert fetch(Reporter(), lock) == first
    assert capsys.readouterr().err == ""
    assert sorted(cache_dir().rglob("*")) == sorted([cache_dir() / "jars", *first])


@pytest.mark.usefixtures("registry")
def test_first_starts_at_the_same_time_do_not_disturb_each_other(lock: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: fetch(Reporter(quiet=True), lock), range(8)))
    assert all(result == results[0] for result in results)


def test_a_changed_download_is_refused_by_name(registry: Path, lock: Path) -> None:
    [served] = registry.rglob("two-2.0.jar")
    served.write_bytes(b"something else")
    with pytest.raises(JarMismatchError, match=r"org\.example:two:2\.0"):
        fetch(Reporter(quiet=True), lock)
    assert not (cache_dir() / "jars" / "two-2.0.jar").exists()


@pytest.mark.usefixtures("registry")
def test_a_changed_cache_is_refused_by_name(lock: Path) -> None:
    one, _two = fetch(Reporter(quiet=True), lock)
    one.write_bytes(b"something else")
    with pytest.raises(JarMismatchError, match=r"org\.example:one:1\.0.*one-1\.0\.jar"):
        fetch(Reporter(quiet=True), lock)


def test_a_jar_that_the_registry_lacks_is_named(registry: Path, lock: Path) -> None:
    [served] = registry.rglob("two-2.0.jar")
    served.unlink()
    with pytest.raises(RegistryUnreachableError, match=r"org\.example:two"):
        fetch(Reporter(quiet=True), lock)


def test_an_unreachable_registry_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://{HOST}:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert main(["fetch"]) == 1
    said = capsys.readouterr().err
    assert "The first start downloads 44 MB of jars" in said
    assert "HTTPS_PROXY" in said


@pytest.mark.usefixtures("empty_cache")
def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("TALLY_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "tally"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "tally"
