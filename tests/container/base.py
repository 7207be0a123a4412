"""A base image without a registry: Debian with Python, by debootstrap.

It stands in for the Dockerfile's default BASE, and knows how this machine reaches Debian and PyPI.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.jars import cache_dir

PACKAGES = ("python3", "python3-venv", "python3-dev", "python-is-python3", "ca-certificates")
SECONDS = 900
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
APT = Path("/etc/apt/apt.conf.d")
#: What may tell pip where packages are, beside its own file.
PIP = ("index_url", "extra_index_url", "trusted_host", "cert", "proxy", "default_timeout")


def debian_base() -> Path:
    """A tar file of its root file system, kept in the cache folder; skips what is missing."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to make and run a container")
    for program in ("debootstrap", "unshare", "chroot", "tar"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")
    suite = _os_release().get("VERSION_CODENAME", "")
    archive = cache_dir() / f"container-base-{suite}-1.tar"
    if not archive.exists():
        _make(suite, archive)
    return archive


def _make(suite: str, archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    root = archive.with_suffix(".root")
    shutil.rmtree(root, ignore_errors=True)
    print(f"Making a base image of {suite} ...", file=sys.stderr)
    include = ",".join(PACKAGES)
    run("debootstrap", "--variant=minbase", f"--include={include}", suite, str(root))
    run("chroot", str(root), "apt-get", "clean")
    _reach_registries(root)
    partial = archive.with_suffix(".partial")
    run("tar", "--create", "--file", str(partial), "--directory", str(root), ".")
    partial.rename(archive)
    shutil.rmtree(root)


def _reach_registries(root: Path) -> None:
    shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    for file in APT.iterdir():
        if "Acquire::" in file.read_text(encoding="utf-8"):
            shutil.copy(file, root / APT.relative_to("/"))
    lines = [
        f"{name.replace('_', '-')} = {value}"
        for name in PIP
        if (value := os.environ.get(f"PIP_{name.upper()}"))
    ]
    ours = Path("/etc/pip.conf")
    if lines:
        (root / "etc/pip.conf").write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
    elif ours.exists():
        shutil.copy(ours, root / "etc/pip.conf")


def _os_release() -> dict[str, str]:
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    return dict(line.replace('"', "").split("=", 1) for line in lines if "=" in line)


def run(*command: str, seconds: float = SECONDS, **environ: str) -> str:
    """What a command prints; fails with all of it if the command does."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **environ},
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout[-8000:]}"
    return done.stdout
