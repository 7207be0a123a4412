"""A shorter run of what `python -m tests.faults` does; see there for a hundred faults."""

from pathlib import Path

import pytest

from tests.faults.run import Run
from tests.faults.state import RunState

FAULTS = 25


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [11])
def test_a_run_of_faults(seed: int, tmp_path: Path) -> None:
    """In two pieces, so that going on is tested, too."""
    state = RunState(seed=seed, faults=FAULTS, quick=False)
    with Run(state, tmp_path) as run:
        assert not run.make_faults(pause_after=20)
        run.stop()
    assert 0 < state.next < FAULTS
    with Run(RunState.load(tmp_path), tmp_path) as run:
        assert run.make_faults(pause_after=None)
        assert run.check() == []
