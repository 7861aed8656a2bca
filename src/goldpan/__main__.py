"""`python -m goldpan`: the command line."""

import sys

from goldpan.cli import main

sys.exit(main())
