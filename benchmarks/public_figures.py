"""Judge detectors on the public data sets, and write the figures of docs/public-benchmarks.md.

    SENSORKIT_DATA=... python benchmarks/public_figures.py [NAME ...]

Each set as `sensorkit evaluate --dataset NAME` judges it; NAB with `novelty` among the detectors.
Writes tests/evaluate/public/reference/figures.json, which the page is checked against.
"""

import json
import sys
from pathlib import Path

from sensorkit.evaluate.public import protocol, public_benchmark

SETS = ("nab", "skab", "ucr", "smap_msl", "debruijn", "asnx", "cmapss", "suthaharan")
ON_NAB = ("novelty", "rules", "sigma", "mewma", "forest", "guard", "volatility")
PLACE = Path(__file__).parents[1] / "tests" / "evaluate" / "public" / "reference" / "figures.json"


def figures(results):
    """Return what the page may say of a set, to six digits."""
    columns = protocol(results.dataset).columns
    keys = [key for column in columns for key in (column.key, f"{column.key}_ci")]
    keys += ["status", "role", "rank", "rank_of", "rank_ci"]
    return {
        "series": results.settings["series"],
        "units": len({row["unit"] for row in results.per_series}),
        "comparison": rounded(results.comparison),
        "rows": {
            row["detector"]: {key: rounded(row[key]) for key in keys if row.get(key) is not None}
            for row in results.rows
        },
    }


def rounded(value):
    """Return a figure, or each of several, to six digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list):
        return [rounded(one) for one in value]
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return value


def main():
    found = json.loads(PLACE.read_text(encoding="utf-8")) if PLACE.exists() else {}
    for name in sys.argv[1:] or SETS:
        results = public_benchmark(name, detectors=ON_NAB if name == "nab" else None)
        print(f"{name}: {results.sentence}", flush=True)
        found[name] = figures(results)
        text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False)
        PLACE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
