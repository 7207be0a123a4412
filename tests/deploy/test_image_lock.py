"""The image's lock files are those of setup.cfg and pyproject.toml, with hashes."""

import configparser
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import deploy

ROOT = Path(deploy.__file__).parents[1]
IMAGE = ROOT / "deploy" / "image"
_PINNED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;]+)", re.MULTILINE)
#: Extras that only those need who develop Tally; the image has all others.
DEVELOPMENT = {"local", "test", "bench", "dev"}


def pinned(name: str) -> dict[str, Version]:
    """The versions in a lock file, each of which has hashes."""
    text = (IMAGE / name).read_text(encoding="utf-8")
    found = list(_PINNED.finditer(text))
    for match, following in zip(found, [*found[1:], None], strict=True):
        lines = text[match.start() : following.start() if following else None]
        assert "--hash=sha256:" in lines, match[1]
    return {canonicalize_name(match[1]): Version(match[2]) for match in found}


def declared() -> list[Requirement]:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = config["options"]["install_requires"].splitlines()
    for extra in config["options.extras_require"].keys() - DEVELOPMENT:
        lines += config["options.extras_require"][extra].splitlines()
    return [Requirement(line) for line in sorted(lines) if line and not line.startswith("#")]


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_what_setup_cfg_asks_for_is_locked(requirement: Requirement) -> None:
    version = pinned("requirements.lock")[canonicalize_name(requirement.name)]
    assert version in requirement.specifier, "run `make lock`"


def test_what_builds_is_locked() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    lines = (IMAGE / "build.in").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == needed
    for requirement in map(Requirement, needed):
        assert pinned("build.lock")[canonicalize_name(requirement.name)] in requirement.specifier


def test_no_registry_is_named() -> None:
    for lock in IMAGE.glob("*.lock"):
        assert "://" not in lock.read_text(encoding="utf-8")
