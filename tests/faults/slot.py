"""A place where one worker at a time runs, with links of its own to every broker."""

import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local import Broker
from deploy.local.ports import HOST
from tests.application import Application
from tests.faults.proxy import Link, Proxy
from tests.worker import Worker

#: A worker that ended by itself is started again after so long, as a supervisor would do it.
RESTART_SECONDS = 1.0
#: What a worker may answer to SIGTERM; before Python has its handler in place it just dies.
ORDERLY = (0, -signal.SIGTERM)
#: What the log of a worker says that has begun to work.
BEGUN = "runs from offset"
#: What no log may hold: a task that stopped for good, a store that its last task left open.
WRONG = ("stops for good", "lock hold by current process")


class Slot:
    """See the module. `generation` counts the workers that had this place, each on its own disk.

    `report` is told of ends that are odd, and whether they are failures.
    """

    def __init__(
        self,
        name: str,
        application: Application,
        proxy: Proxy,
        brokers: list[Broker],
        generation: int,
        report: Callable[[str, bool], None],
    ) -> None:
        self.name = name
        self.generation = generation
        self.links: Mapping[int, Link] = {
            broker.node_id: proxy.link(
                broker.detours[name].advertises, broker.detours[name].listens
            )
            for broker in brokers
        }
        self._application = application
        self._bootstrap = ",".join(f"{HOST}:{b.detours[name].advertises}" for b in brokers)
        self._report = report
        self._wanted = False
        self._ended_at: float | None = None

    @property
    def worker(self) -> Worker:
        """The worker that has the place now."""
        name = f"{self.name}-{self.generation}"
        return self._application.worker(name, KAFKA_BOOTSTRAP=self._bootstrap)

    @property
    def alive(self) -> bool:
        """Whether a worker is meant to be here, and is."""
        return self._wanted and self.worker.alive

    def start(self) -> None:
        """Start the worker."""
        self._wanted = True
        self.worker.start()

    def kill(self) -> None:
        """SIGKILL."""
        self._wanted = False
        self.worker.kill()

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        self._wanted = False
        self.worker.process.terminate()

    def ended(self) -> bool:
        """Whether a worker that was told to end has done so; notes an exit code that tells more."""
        if self.worker.alive:
            return False
        if (code := self.worker.process.returncode) not in ORDERLY:
            self._tell(f"answered SIGTERM with {code}")
        return True

    def replace(self) -> None:
        """Let another worker have the place; to be started."""
        self.generation += 1

    def tend(self) -> None:
        """Start a worker again that has ended by itself, after a while."""
        if not self._wanted or self.worker.alive:
            return
        if self._ended_at is None:
            self._ended_at = time.monotonic()
            code = self.worker.process.returncode
            self._tell(f"ended by itself with {code}")
        elif time.monotonic() - self._ended_at > RESTART_SECONDS:
            self._ended_at = None
            self.start()

    def _tell(self, what: str) -> None:
        """Report an end. Without brokers, a worker may refuse to begin, but not to go on."""
        begun = BEGUN in self.worker.said()
        self._report(f"{self.worker.name} {what}: {self.worker.tail(1)}", begun)


def wrong_lines(folder: Path) -> list[str]:
    """What the workers' logs hold, but may not."""
    return [
        f"{log.name}: {line}"
        for log in sorted(folder.glob("*.log"))
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if any(wrong in line for wrong in WRONG)
    ]
