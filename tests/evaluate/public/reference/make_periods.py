"""Write periods.json: what TSB-AD 1.5 takes as the sliding window of each series.

Run where TSB-AD is installed, which is not where sensorkit is tested:
`python make_periods.py`.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from period_cases import series  # noqa: E402
from TSB_AD.utils.slidingWindows import find_length_rank  # noqa: E402

if __name__ == "__main__":
    found = [int(find_length_rank(one.reshape(-1, 1), rank=1)) for one in series()]
    (HERE / "periods.json").write_text(json.dumps(found) + "\n", encoding="utf-8")
