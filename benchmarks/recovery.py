"""What a restore costs, and how long output stops in a rebalance."""

import asyncio
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks import topics
from benchmarks.compare import warmed_up
from benchmarks.finals import FinalsReader
from benchmarks.kafka_streams.driver import KafkaStreams
from benchmarks.lag import Lag, wait_until_empty
from benchmarks.latency import Plan, read_while_producing
from benchmarks.loaded import Data, loaded
from benchmarks.progress import say
from benchmarks.reference import judge
from benchmarks.results import Results
from benchmarks.run import Kafka
from benchmarks.tally import Tally
from benchmarks.targets import Job, Running, Target, new_app

HOUR_MS = 3_600_000
#: Seconds: until the second worker joins, from then until it is killed, from then until the end.
ALONE, TOGETHER, AFTER_KILL = 20, 30, 75
REBALANCE_WINDOW_MS = 1_000


async def restore(kafka: Kafka, results: Results, keys: int, warm_up_records: int) -> None:
    """Start on an intact disk, and on a wiped one."""
    rows = []
    # A tenth of the hashtags is another one's in capitals.
    records = keys * 10 // 9
    # The windows are long and stay open, so all counts stay in the changelog.
    data = Data(
        records, records // 600, records, window_ms=HOUR_MS, grace_ms=HOUR_MS, in_turns=True
    )
    async with (
        warmed_up(kafka, warm_up_records, Data(warm_up_records)) as warm_up,
        loaded(kafka, data) as topic,
    ):
        for target in (Tally(), KafkaStreams(warm_up, heap="8g")):
            say(f"restore of {target.name}, {keys:,} keys")
            found = await _restore(kafka, target, topic.job())
            say(f"  {found}")
            rows.append({"name": target.name, "keys": keys, **found})
            results.save(f"recovery-restore-{keys}", {"rows": rows})


async def _restore(kafka: Kafka, target: Target, job: Job) -> dict[str, float]:
    await topics.create(kafka.options, job.output)
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as name:
        folder = Path(name)
        await _start(kafka, target, job, folder, fill=True)
        changelog = await topics.records(kafka.options, f"{job.app}-", "-changelog")
        intact = await _start(kafka, target, job, folder)
        for state in ("data", "state"):
            await asyncio.to_thread(shutil.rmtree, folder / state, ignore_errors=True)
        wiped = await _start(kafka, target, job, folder)
    await topics.delete_of(kafka.options, job.app)
    return {"changelog_records": changelog, "intact_seconds": intact, "wiped_seconds": wiped}


async def _start(kafka: Kafka, target: Target, job: Job, folder: Path, fill: bool = False) -> float:
    """Start until all tasks run, and stop; with `fill`, when all is read. Returns the seconds."""
    async with target.start(kafka.env, job, folder) as running:
        await running.begin()
        await running.wait_until_all_run()
        seconds = time.monotonic() - running.started_at
        if fill:
            async with Lag(kafka.options, job.app, job.input) as lag:
                while await lag.records() != 0:
                    running.pids()
                    await asyncio.sleep(1)
    # Whoever didn't say that it leaves is missed after its session timeout.
    await wait_until_empty(kafka.options, job.app)
    return seconds


async def rebalance(kafka: Kafka, results: Results, rate: int, warm_up_records: int) -> None:
    """A second worker joins under a steady load, and is killed later."""
    rows = []
    plan = Plan(rate, ALONE + TOGETHER + AFTER_KILL, REBALANCE_WINDOW_MS, REBALANCE_WINDOW_MS)
    async with warmed_up(kafka, warm_up_records, Data(warm_up_records)) as warm_up:
        soon = {"consumer.session.timeout.ms": "6000"}
        targets: list[Target] = [
            Tally(),
            KafkaStreams(warm_up),
            KafkaStreams(warm_up, "Kafka Streams, session timeout 6 s", soon),
        ]
        for target in targets:
            say(f"rebalance of {target.name}, {plan.seconds:g} s")
            rows.append(
                {"name": target.name, "rate": rate, **await _rebalance(kafka, target, plan)}
            )
            say(f"  {rows[-1]}")
            results.save("recovery-rebalance", {"rows": rows})


async def _rebalance(kafka: Kafka, target: Target, plan: Plan) -> dict[str, object]:
    app = new_app()
    job = Job(app, f"{app}-input", plan.window_ms, plan.grace_ms)
    await topics.create(kafka.options, job.input, job.output)
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        places = [Path(folder) / name for name in ("first", "second")]
        for place in places:
            place.mkdir()
        async with (
            FinalsReader(kafka.options, job.output) as reader,
            target.start(kafka.env, job, places[0]) as first,
            target.start(kafka.env, job, places[1]) as second,
        ):
            await first.begin()
            await first.wait_until_all_run()
            joined = asyncio.create_task(_join_and_be_killed(second))
            produced = await read_while_producing(kafka.env, job, plan, folder, reader)
            joined_at, killed_at = await joined
            await reader.wait_for(len(produced["finals"]), 10)
    await topics.delete_of(kafka.options, app)
    seen, _ = reader.decode()
    expected = {(tag.encode(), end): n for tag, end, n in produced["finals"]}
    return {
        "steady_gap": reader.longest_gap(joined_at - ALONE / 2, joined_at),
        "join_gap": reader.longest_gap(joined_at, killed_at),
        "kill_gap": reader.longest_gap(killed_at, reader.newest),
        "verdict": judge(expected, seen)._asdict(),
    }


async def _join_and_be_killed(second: Running) -> tuple[float, float]:
    await asyncio.sleep(ALONE)
    await second.begin()
    await asyncio.sleep(second.started_at + TOGETHER - time.monotonic())
    second.kill()
    return second.started_at, time.monotonic()
