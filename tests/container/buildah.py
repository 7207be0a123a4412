"""Building with Debian's buildah; chroot isolation asks little of the kernel."""

import json
import shutil
from pathlib import Path

from tests.container.base import run
from tests.container.image import CONTEXT, DOCKERFILE, Image

SECONDS = 1200


class Forbidden(Exception):
    """buildah isn't here, or the kernel doesn't let it work."""


class Buildah:
    """Keeps all it makes below `folder`."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("buildah") is None:
            raise Forbidden("there is no buildah")
        self._policy = folder / "policy.json"
        self._policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}', "utf-8")
        storage = ("--root", str(folder / "root"), "--runroot", str(folder / "run"))
        self._command = ("buildah", *storage, "--storage-driver", "overlay")

    def build(self, base: Path) -> Image:
        """Build the unmodified Dockerfile on a base; raises Forbidden."""
        try:
            self._import(base)
        except AssertionError as exc:
            raise Forbidden(str(exc)) from exc
        self._run(
            "build",
            "--isolation=chroot",
            "--format=docker",
            "--pull-never",
            f"--signature-policy={self._policy}",
            "--build-arg=BASE=localhost/base",
            "--tag=localhost/tally",
            f"--file={DOCKERFILE}",
            str(CONTEXT),
        )
        container = self._from("localhost/tally")
        root = Path(self._run("mount", container).strip())
        inspected = json.loads(self._run("inspect", "--type=image", "localhost/tally"))
        config = inspected["Docker"]["config"]
        return Image(
            root=root,
            way="built by buildah with chroot isolation",
            environ=dict(line.split("=", 1) for line in config["Env"]),
            user=config["User"],
            workdir=config["WorkingDir"],
            command=config["Cmd"],
            volumes=list(config["Volumes"]),
            health=config["Healthcheck"]["Test"][1:],
            stop_signal=config["StopSignal"],
        )

    def close(self) -> None:
        """Let go of what is mounted, so that the folder can be removed."""
        self._run("umount", "--all")
        self._run("rm", "--all")

    def _import(self, base: Path) -> None:
        """Make an image of the base, and see whether a command runs in it."""
        container = self._from("scratch")
        self._run("add", container, str(base), "/")
        self._run("run", "--isolation=chroot", container, "--", "python", "--version")
        self._run("commit", f"--signature-policy={self._policy}", container, "localhost/base")
        self._run("rm", container)

    def _from(self, image: str) -> str:
        return self._run(
            "from", "--pull-never", f"--signature-policy={self._policy}", image
        ).strip()

    def _run(self, *arguments: str) -> str:
        return run(*self._command, *arguments, seconds=SECONDS)
