"""Peers that we did not write: Amplify's AppSync simulator on Node, and ministack's AWS."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.appsync.ministack import Ministack, run_ministack

FOLDER = Path(__file__).parent
INSTALL_SECONDS = 300


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with what `package-lock.json` names installed beside it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs Node 20 and npm")
    installed = FOLDER / "node_modules" / ".package-lock.json"
    wanted = FOLDER / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=FOLDER,
            check=True,
            timeout=INSTALL_SECONDS,
        )
    return node


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """PEM files of a CA, and of a server on loopback: `ca`, `cert`, `key`."""
    folder = tmp_path_factory.mktemp("certificates")
    ca = trustme.CA()
    server = ca.issue_cert("127.0.0.1", "localhost")
    files = {name: folder / f"{name}.pem" for name in ("ca", "cert", "key")}
    ca.cert_pem.write_to_path(str(files["ca"]))
    server.private_key_pem.write_to_path(str(files["key"]))
    for n, blob in enumerate(server.cert_chain_pems):
        blob.write_to_path(str(files["cert"]), append=n > 0)
    return files


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    """AWS on loopback, whose Events APIs look at keys."""
    with run_ministack(
        tmp_path_factory.mktemp("ministack"), APPSYNC_EVENTS_ENFORCE_AUTH="1"
    ) as peer:
        yield peer


@pytest.fixture(scope="session")
def guarded_ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    """AWS on loopback that checks signatures, but for those of the root user `test`."""
    with run_ministack(tmp_path_factory.mktemp("ministack"), AUTH="true") as peer:
        yield peer
