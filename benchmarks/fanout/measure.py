"""Runs the servers in turns, each with a counter of its own, and keeps what they cost."""

import asyncio
import json
import resource
import statistics
import sys
from asyncio.subprocess import PIPE, Process
from typing import Any

from benchmarks.fanout.servers import NAMES
from benchmarks.progress import say
from benchmarks.results import Results

#: Seconds that a run may take.
SECONDS = 300.0
#: Messages that come together: one alone, and some of those that a closing window brings.
BURSTS = (1, 100)


async def measure(results: Results, connections: int, deliveries: int, runs: int) -> None:
    """Measure all servers `runs` times, in turns; kept after each run."""
    allow_files(connections + 100)
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    for number in range(runs):
        for burst in BURSTS:
            rounds = max(1, deliveries // (connections * burst))
            for name in NAMES:
                say(f"fan-out, run {number + 1}: {name}, {burst} at a time")
                run = await _run(name, connections, rounds, burst)
                run = _per_delivery(run, connections * rounds * burst)
                say(f"  {run}")
                found.setdefault((name, burst), []).append(run)
        rows = [_row(name, burst, some) for (name, burst), some in found.items()]
        results.save("fanout", {"connections": connections, "rows": rows})


def allow_files(n: int) -> None:
    """Raises SystemExit if so many connections can't be had."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < n:
        sys.exit(f"benchmarks: {n} open files are needed, and {hard} allowed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _run(name: str, connections: int, rounds: int, burst: int) -> dict[str, float]:
    sizes = [str(connections), str(rounds), str(burst)]
    server = await _python("benchmarks.fanout.servers", name, *sizes)
    counter: Process | None = None
    try:
        async with asyncio.timeout(SECONDS):
            ports = await _line(server)
            counter = await _python("benchmarks.fanout.counter", *ports.split(), *sizes)
            found: dict[str, float] = json.loads(await _line(server))
            if await counter.wait():
                raise RuntimeError(f"{name}: not all has arrived; see above")
            await server.wait()
            return found
    finally:
        for process in (server, counter):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()


async def _python(module: str, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdout=PIPE
    )


async def _line(process: Process) -> str:
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    if not line:
        raise RuntimeError("the server has ended; see above")
    return line


def _per_delivery(run: dict[str, float], deliveries: int) -> dict[str, float]:
    return {
        "deliveries_per_second": deliveries / run["seconds"],
        "cpu_us": run["cpu_seconds"] / deliveries * 1e6,
    }


def _row(name: str, burst: int, runs: list[dict[str, float]]) -> dict[str, Any]:
    medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    return {"name": name, "burst": burst, "runs": runs, **medians}
