"""`python -m collector` is the `spanmill` command."""

import sys

from collector.cli import main

sys.exit(main())
