"""How well the detectors detect: on three public benchmarks and on faults of our own.

Every detector runs with its defaults: one parameter set for all data. Each part says what it
measures, which aims the project set itself before it was measured, and for each detector what
was chosen by looking at which data. A part prints its table; the aims are not tests, so a part
that misses one does not fail.

Three parts read the folder that SENSORKIT_DATA names; `injected` makes its own data. Run with
`make bench` or, for one part, `python benchmarks/quality.py --only injected --quick`.
"""

import argparse
import importlib
import json
import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Part(NamedTuple):
    """What a part measures, and what the project aims at."""

    measures: str
    aims: str
    needs_data: bool = True


PARTS = {
    "nab": Part(
        "Numenta Anomaly Benchmark: 58 files, 116 windows, three profiles; our scorer beside ten "
        "published rows.",
        "the published rows to 4 decimals; `novelty` above 74.9 on the standard profile (the best "
        "published), with threshold and settings taken from other files only.",
    ),
    "skab": Part(
        "Skoltech Anomaly Benchmark: 34 files, the first 400 rows to fit, pooled F1 and false and "
        "missed alarm rates of the rest.",
        "the published rows of Isolation Forest, T2 and T2+Q exactly; `mewma` at an F1 above 0.78 "
        "with a false alarm rate below 13.55 %.",
    ),
    "debruijn": Part(
        "De Bruijn's faults in real temperatures: average precision by kind of fault, events "
        "found at one false alarm a day.",
        "`guard` or one named detector better than the best untuned score on every kind of "
        "fault, mixed above 0.60.",
    ),
    "injected": Part(
        "Seven faults of our own in six base signals: the share found at about 0.5 false events "
        "per 10 000 fresh clean readings.",
        "the mean over the kinds of faults at 95 %.",
        needs_data=False,
    ),
}


def measured(name, folder, quick):
    """Run one part, print its heading and its table, and return its figures."""
    part = PARTS[name]
    print(f"\n{name}: {part.measures}\nAim: {part.aims}\n", flush=True)
    module = importlib.import_module(f"judging.{name}")
    begin = time.perf_counter()
    figures = module.run(folder, quick)
    print(module.table(figures))
    print(f"({time.perf_counter() - begin:.0f} s)", flush=True)
    return figures


def plain(value):
    """Return a value of numpy or a tuple as JSON can have it."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return list(value) if isinstance(value, set | tuple) else str(value)


def arguments():
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help=f"parts, with commas between: {','.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="fewer files, runs and detectors")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    options.only = options.only.split(",") if options.only else list(PARTS)
    for name in options.only:
        if name not in PARTS:
            parser.error(f"there is no part {name!r}; there are {', '.join(PARTS)}")
    return options


def main():
    """Run the parts that are asked for."""
    options = arguments()
    named = os.environ.get("SENSORKIT_DATA")
    told = {"quick": options.quick}
    for name in options.only:
        if PARTS[name].needs_data and not named:
            print(
                f"\n{name}: SENSORKIT_DATA is not set, so there is nothing to measure on; it names "
                "the folder of the real data sets"
            )
            continue
        told[name] = measured(name, None if named is None else Path(named), options.quick)
    if options.json:
        text = json.dumps(told, indent=1, default=plain)
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
