"""The modules beside the tests of the pages are found by their bare names, whoever imports them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
