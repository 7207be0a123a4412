"""The Java program's jar, built by Maven when it is missing or older than its sources."""

import shutil
import subprocess
from pathlib import Path

from benchmarks.progress import say

HERE = Path(__file__).parent
JAR = HERE / "target" / "hashtags.jar"


def jar() -> Path:
    """Build if needed; raises RuntimeError if that needs tools that are missing."""
    sources = [HERE / "pom.xml", *(HERE / "src").rglob("*.*")]
    if JAR.exists() and JAR.stat().st_mtime > max(file.stat().st_mtime for file in sources):
        return JAR
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise RuntimeError(f"{tool} is not on the path: Kafka Streams needs Java 17 and Maven")
    say("building the Kafka Streams program with Maven (downloads 80 MB the first time)")
    subprocess.run(["mvn", "-B", "-q", "clean", "package"], cwd=HERE, check=True)
    return JAR
