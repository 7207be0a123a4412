"""A long run of faults: `python -m tests.faults --seed 7 --faults 100`.

Exit codes: 0 all is well, 1 something is wrong, 3 paused: `--resume` goes on.
"""

import argparse
import logging
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.run import Run
from tests.faults.state import RunState

PAUSED = 3


def main(arguments: list[str]) -> int:
    """Start or continue a run; returns the exit code."""
    options = _parse(arguments)
    folder: Path = options.resume or options.folder
    state = (
        RunState.load(folder)
        if options.resume
        else RunState(options.seed, options.faults, options.quick)
    )
    command = f"python -m tests.faults --resume {folder}"
    folder.mkdir(parents=True, exist_ok=True)
    # Our own clients complain of each broker that is down.
    logging.basicConfig(filename=folder / "clients.log", format="%(asctime)s %(message)s")
    try:
        with Run(state, folder) as run:
            if not run.make_faults(options.pause_after):
                run.stop()
                print(f"paused after {state.next} faults; go on with: {command}")
                return PAUSED
            findings = run.check()
    except BaseException:
        print(f"broken off with seed {state.seed}, everything is in {folder}")
        print(f"go on with: {command}")
        raise
    _summarise(state)
    return _conclude(state, findings, folder, keep=options.resume or options.folder_given)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--faults", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--folder", type=Path, help="for all data; kept at the end")
    parser.add_argument("--resume", type=Path, metavar="FOLDER", help="go on with a run")
    parser.add_argument("--pause-after", type=float, metavar="SECONDS", help="stop in good order")
    parser.add_argument("--quick", action="store_true", help="sessions of 1.5 s instead of 6 s")
    options = parser.parse_args(arguments)
    options.folder_given = options.folder is not None
    if not options.resume and not options.folder:
        options.folder = Path(tempfile.mkdtemp(prefix="tally-faults-"))
    return options


def _summarise(state: RunState) -> None:
    minutes = state.seconds / 60
    print(f"{state.next} faults in {minutes:.1f} minutes, {state.next / minutes:.1f} a minute")
    print(f"{state.seen} finals had come when the last fault was over")
    for kind, times in sorted(state.begun.items()):
        gap = state.gaps.get(kind, 0)
        print(f"{times:4} x {kind:38} longest time without new finals {gap:5.1f} s")
    if state.oddities:
        print(f"{len(state.oddities)} oddities, which are no failures:")
        print("\n".join(f"     {oddity}" for oddity in state.oddities))


def _conclude(state: RunState, findings: list[str], folder: Path, *, keep: bool) -> int:
    print(*findings, sep="\n")
    if findings:
        print(f"seed {state.seed}: WRONG; everything is in {folder}")
        quick = " --quick" if state.quick else ""
        again = f"python -m tests.faults --seed {state.seed} --faults {state.faults}{quick}"
        print(f"see the same faults again with: {again}")
        return 1
    print(f"seed {state.seed}: all is well")
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
