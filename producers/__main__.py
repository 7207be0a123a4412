"""`python -m producers` is `tally-produce`."""

import sys

from producers.cli import main

sys.exit(main())
