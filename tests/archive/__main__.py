"""A long run of faults: `python -m tests.archive --seed 7 --records 1000000 --kills 20`."""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from deploy.local import local_or_external
from tests.appsync.ministack import run_ministack
from tests.archive.archiving import Archiving
from tests.archive.buckets import TestBucket
from tests.archive.run import Run


def main(arguments: list[str]) -> int:
    """Make the run; returns the exit code, 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.archive", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--records", type=int, default=1_000_000, help="default: a million")
    parser.add_argument("--kills", type=int, default=20, help="default: 20")
    parser.add_argument("--format", choices=("json", "parquet"), default="parquet")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # never somebody's account
    with (
        tempfile.TemporaryDirectory(prefix="tally-archive-") as name,
        local_or_external() as kafka,
        run_ministack(Path(name)) as s3,
        Archiving(
            kafka,
            f"archive-{options.seed}",
            Path(name),
            TestBucket(s3, "archive"),
            FORMAT=options.format,
            BYTES=str(4 * options.records // options.kills),
        ) as archiving,
    ):
        print(Run(archiving, options.seed, options.records // options.kills, options.kills).run())
    print(f"seed {options.seed}: all is well, {(time.monotonic() - began) / 60:.1f} minutes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
