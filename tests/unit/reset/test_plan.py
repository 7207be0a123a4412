"""What a reset would change, over a cluster that only says what it holds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from streams.core.columns import TP
from streams.core.ports import Cluster, Committed, LogRange
from streams.core.windows import TumblingWindows
from streams.errors import ResetError
from streams.reset.plan import Begin, Plan, make_plan
from streams.settings import Settings
from streams.tasks.topology import Sink, Topology, WindowedTable

TABLE = WindowedTable("n", TumblingWindows(1000, 0), "", "in", "app-n-parts", "app-n-log")
TOPOLOGY = Topology((TABLE,), (Sink("s", "out", cast(Any, None)),))
PARTITIONS = {"in": 2, "app-n-parts": 1, "app-n-log": 1, "out": 1}


class Quiet:
    """Every log holds [10, 50)."""

    def __init__(self, committed: Mapping[TP, int]) -> None:
        self._committed = committed

    async def committed(
        self, _group: str, tps: Sequence[TP], *, stable: bool
    ) -> dict[TP, Committed]:
        assert not stable, "a lost worker's transaction may be open"
        return {tp: Committed(at, "{}") for tp, at in self._committed.items() if tp in tps}

    async def log_range(self, _tp: TP) -> LogRange:
        return LogRange(10, 50)


async def plan(
    folder: Path,
    begin: Begin,
    committed: Mapping[TP, int],
    partitions: Mapping[str, int] = PARTITIONS,
) -> Plan:
    settings = Settings(app_id="app", data_dir=folder)
    cluster = cast(Cluster, Quiet(committed))
    return await make_plan(settings, TOPOLOGY, partitions, cluster, begin)


async def test_it_goes_on_where_it_stopped_or_begins_anew(tmp_path: Path) -> None:
    # The second partition is new, the output's offset is the sink's.
    committed = {TP("in", 0): 20, TP("out", 0): 40}
    assert (await plan(tmp_path, Begin.CURRENT, committed)).offsets == {TP("in", 0): 20}
    assert (await plan(tmp_path, Begin.BEGINNING, committed)).offsets == {TP("in", 0): 10}


async def test_it_does_not_go_on_where_the_input_is_deleted(tmp_path: Path) -> None:
    committed = {TP("in", 1): 9}
    with pytest.raises(ResetError, match=r"in-1 can't be gone on with at 9: .* \[10, 50\)"):
        await plan(tmp_path, Begin.CURRENT, committed)
    assert (await plan(tmp_path, Begin.BEGINNING, committed)).offsets == {TP("in", 1): 10}


async def test_all_ids_are_fenced_and_the_internal_topics_deleted(tmp_path: Path) -> None:
    found = await plan(tmp_path, Begin.CURRENT, {})
    assert found.ids == ["app-begin", "app-in-0", "app-in-1", "app-app-n-parts-0", "app-out-0"]
    assert found.topics == ["app-n-parts", "app-n-log"]
    assert (await plan(tmp_path, Begin.CURRENT, {}, {"in": 1})).topics == []


async def test_folders_of_one_worker_and_of_several(tmp_path: Path) -> None:
    ours = [tmp_path / "app", tmp_path / "worker-0/app", tmp_path / "worker-1/app"]
    for folder in [*ours, tmp_path / "worker-1/another", tmp_path / "more"]:
        folder.mkdir(parents=True)
    found = await plan(tmp_path, Begin.CURRENT, {TP("in", 0): 34})
    assert found.folders == ours
    assert found.as_text().splitlines() == [
        "offset  in-0 at 34",
        "delete  topic app-n-parts",
        "delete  topic app-n-log",
        *(f"remove  {folder}" for folder in ours),
    ]
    nothing = await plan(tmp_path / "none", Begin.CURRENT, {}, {})
    assert nothing.as_text() == "nothing: the application has left no trace"
