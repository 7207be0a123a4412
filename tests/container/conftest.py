"""The image, built once. TALLY_CONTAINER=chroot takes the way that needs no buildah."""

import os
from collections.abc import Iterator

import pytest

from tests.container.base import debian_base
from tests.container.buildah import Buildah, Forbidden
from tests.container.chroot import Chroot
from tests.container.image import Image


@pytest.fixture(scope="session")
def image(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Image]:
    """Of the unmodified Dockerfile; tells which way it went."""
    base = debian_base()
    folder = tmp_path_factory.mktemp("image")
    builder = None
    try:
        if os.environ.get("TALLY_CONTAINER") == "chroot":
            raise Forbidden("TALLY_CONTAINER says so")
        builder = Buildah(folder)
        image = builder.build(base)
    except Forbidden as why:
        image = Chroot(folder).build(base, str(why))
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\nThe image was {image.way}")
    yield image
    if builder is not None:
        builder.close()
