"""Make the promises importable: `import checks`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
