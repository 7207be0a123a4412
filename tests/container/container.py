"""A running container of an image: as `docker run --read-only` would start it."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.ports import HOST
from tests.container.image import Image
from tests.container.namespace import inside
from tests.polling import until
from tests.worker import Worker, free_port

#: What orchestrators wait for before they kill.
STOP_SECONDS = 30.0


class Container(Worker):
    """Its volume is a folder that outlives it. `command` is the image's own if there is none."""

    def __init__(
        self,
        image: Image,
        name: str,
        folder: Path,
        variables: Mapping[str, str],
        *command: str,
    ) -> None:
        super().__init__(name, folder, {})
        self.image = image
        self.ingest_port = free_port()
        self._environ = {
            **image.environ,
            "STREAMS_WEB_HOST": HOST,
            "STREAMS_WEB_PORT": str(self.port),
            "STREAMS_LIVE_HANDSHAKE_SECONDS": "60",
            "STREAMS_INGEST_HOST": HOST,
            "STREAMS_INGEST_PORT": str(self.ingest_port),
            **variables,
        }
        self._run_command = self._inside(command or image.command)
        self.data.mkdir()
        os.chown(self.data, *map(int, image.user.split(":")))

    def start(self, crash_at: str = "", command: Sequence[str] = ()) -> "Container":
        """Start it."""
        assert not crash_at
        super().start(command=command or self._run_command)
        return self

    def call(self, *command: str) -> tuple[int, str]:
        """Exit code and output of another command in a container like this, volume included."""
        done = subprocess.run(
            self._inside(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        return done.returncode, done.stdout

    def stop(self) -> int:
        """The image's stop signal to process 1, and the exit code once it has ended."""
        os.kill(self.process_1(), signal.Signals[self.image.stop_signal])
        return self.wait(STOP_SECONDS)

    def process_1(self) -> int:
        """The id, out here, of what runs as process 1 in there."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        until(lambda: bool(children.read_text()), "it has started", 60, self.tail)
        return int(children.read_text().split()[0])

    def _inside(self, command: Sequence[str]) -> list[str]:
        [volume] = self.image.volumes
        return inside(
            self.image.root,
            command,
            environ=self._environ,
            workdir=self.image.workdir,
            user=self.image.user,
            read_only=True,
            volumes={volume: self.data},
        )
