"""`python -m goldpan`, and the command `goldpan`: the command line."""

import sys

import goldpan.interrupt  # noqa: F401 - first, for the other imports take long
from goldpan.cli import main

if __name__ == "__main__":
    sys.exit(main())
