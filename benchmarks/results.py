"""What was measured, kept as JSON, so that the report can be made anew without measuring."""

import json
import os
import platform
import re
import shutil
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PACKAGES = ("faust-streaming", "aiokafka", "rocksdict")


class Results:
    """A folder with RESULTS.md, SCALING.md, `results/` and `charts/`."""

    def __init__(self, folder: Path) -> None:
        self.page = folder / "RESULTS.md"
        self.scaling = folder / "SCALING.md"
        self.charts = folder / "charts"
        self._raw = folder / "results"

    def save(self, name: str, found: dict[str, Any]) -> None:
        """Keep one piece, in place of what it was before."""
        self._raw.mkdir(parents=True, exist_ok=True)
        at = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
        text = json.dumps({"measured_at": at, "machine": machine(), **found}, indent=1)
        (self._raw / f"{name}.json").write_text(text + "\n")

    def read(self) -> dict[str, dict[str, Any]]:
        """All pieces by name."""
        return {f.stem: json.loads(f.read_text()) for f in sorted(self._raw.glob("*.json"))}


def machine() -> str:
    """What it is measured on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    pom = Path(__file__).with_name("kafka_streams").joinpath("pom.xml").read_text()
    (streams,) = re.findall(r">kafka-streams</artifactId>\s*<version>(.+?)<", pom)
    return (
        f"{os.cpu_count()} cores ({_cpu()}) shared by broker, program and reader, "
        f"{pages / 2**30:.0f} GiB of memory, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {packages}, Kafka Streams {streams}, {_java()}"
    )


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _java() -> str:
    if shutil.which("java") is None:
        return "no Java"
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    return said.splitlines()[0]
