"""How fast the detectors are, each beside its yardstick in the same run.

pandas and bottleneck for the rolling z, scikit-learn and PyOD for the forest, River for one
reading at a time. What is not installed is left out: `pip install bottleneck pyod river`. All
run in turns; medians are shown, and the figures to compare are the ratios.

Run with `make bench` or, for one part, `python benchmarks/detectors.py --only rolling`.
"""

import argparse
import json
import platform
from pathlib import Path

from detecting import cold, forest, rolling, streaming

PARTS = {"rolling": rolling, "streaming": streaming, "forest": forest, "cold": cold}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; may be repeated")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller runs")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    print(f"Python {platform.python_version()} on {platform.machine()}")
    results = {}
    for name in options.only or PARTS:
        print(f"\n== {name}: {PARTS[name].__doc__.splitlines()[0]}\n")
        results[name] = PARTS[name].run(options.quick)
        print(PARTS[name].table(results[name]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
