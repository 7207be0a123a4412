"""Where buildah can't work: each step of the Dockerfile, one after the other, in a chroot."""

import json
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.container.base import run
from tests.container.image import CONTEXT, DOCKERFILE, Image
from tests.container.namespace import inside
from tests.container.steps import Step, context_files, steps, substituted


@dataclass
class Stage:
    """One FROM and what follows it."""

    root: Path
    workdir: str = "/"
    config: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/bin"}
    )

    def path(self, name: str) -> Path:
        """Where a path of the image lies here."""
        return self.root / (Path(self.workdir) / name).relative_to("/")


class Chroot:
    """Takes the steps; the stages lie below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._variables: dict[str, str] = {}
        self._stages: dict[str, Stage] = {}

    def build(self, base: Path, why: str) -> Image:
        """Take all steps on a base; `why` tells why it isn't built the usual way."""
        self._variables["BASE"] = str(base)
        stage: Stage | None = None
        for step in steps(DOCKERFILE.read_text(encoding="utf-8")):
            if step.name == "FROM":
                stage = self._begin(step)
            elif stage is not None:
                self._take(stage, step)
        assert stage is not None
        return Image(
            root=stage.root,
            way=f"built step by step in chroots, since {why}",
            environ=stage.environ,
            user=stage.config["USER"],
            workdir=stage.workdir,
            command=json.loads(stage.config["CMD"]),
            volumes=[stage.config["VOLUME"]],
            health=json.loads(stage.config["HEALTHCHECK"].partition("CMD ")[2]),
            stop_signal=stage.config["STOPSIGNAL"],
        )

    def _begin(self, step: Step) -> Stage:
        image, *as_name = step.words()
        name = as_name[1] if as_name else "result"
        stage = self._stages[name] = Stage(self._folder / name)
        stage.root.mkdir()
        archive = substituted(image, self._variables)
        run("tar", "--extract", "--file", archive, "--directory", str(stage.root))
        return stage

    def _take(self, stage: Stage, step: Step) -> None:
        match step.name:
            case "RUN":
                command = ["/bin/sh", "-c", step.rest]
                workdir, environ = stage.workdir, stage.environ
                run(*inside(stage.root, command, environ=environ, workdir=workdir))
            case "COPY":
                self._copy(stage, step)
            case "ENV":
                pairs = (word.split("=", 1) for word in shlex.split(step.rest))
                stage.environ |= {k: substituted(v, stage.environ) for k, v in pairs}
            case "WORKDIR":
                stage.workdir = step.rest
                stage.path(".").mkdir(parents=True, exist_ok=True)
            case _:
                stage.config[step.name] = step.rest

    def _copy(self, stage: Stage, step: Step) -> None:
        source, target = step.words()
        if "--from=" in step.rest:
            [name] = [w.partition("=")[2] for w in step.rest.split() if w.startswith("--from=")]
            shutil.copytree(self._stages[name].path(source), stage.path(target), symlinks=True)
            return
        ignore = (CONTEXT / ".dockerignore").read_text(encoding="utf-8")
        for file in context_files(CONTEXT, ignore):
            if file.is_relative_to(source):
                to = stage.path(target) / file.relative_to(source)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(CONTEXT / file, to)
