"""The corpus and its scoring are shared with `bench/scrub.py`: both find them by their folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
