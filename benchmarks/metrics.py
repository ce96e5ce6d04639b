"""How fast the metrics are, each beside the published package in the same run.

TSB-AD, dtaianomaly, prts, scikit-learn and NAB's scorer run in an interpreter of their own,
because they exclude each other's versions and ours: name it with --peer-python (how to make one
stands in tests/evaluate/metrics/reference/make.py). What is not installed there is left out, and
said. All run in turns on the same arrays; medians are shown, and the figures to compare are the
ratios.

Run with `make bench` or `python benchmarks/metrics.py --peer-python refvenv/bin/python --nab NAB`.
TSB-AD takes a minute a call for a million readings; --quick takes 10 000 only. Where other work
keeps the processors busy, --clock cpu counts the time that each had one of them, with one thread.
"""

import argparse
import json
import platform
import sys
from pathlib import Path

import numba
import numpy as np
from detecting.timing import rows
from measuring import data, ours
from measuring.peer import Peer
from measuring.turns import CLOCKS, here, in_turns

SPARSE = (100_000, 1_000_000)
HOSTILE = 1_000_000
QUICK = 10_000
ROUNDS = 5
QUICK_ROUNDS = 3
OURS = "sensorkit"
VUS = "VUS, 250 thresholds"
EXACT = "VUS, every score"


def measured(peer, made, rounds, clock, *, only=None):
    """Return the figures of one set of arrays: row -> who -> seconds, measured, numbers."""
    mine = ours.jobs(made)
    jobs = {
        (row, OURS): here(job, clock) for row, job in mine.items() if only is None or row in only
    }
    if only is None:
        for job in peer.load(made):
            jobs[job] = lambda j=job: peer.run(j)
    found = {}
    for (row, who), told in in_turns(jobs, rounds).items():
        found.setdefault(row, {})[who] = told
    return found


def run(peer, sizes, hostile, rounds, clock):
    results = {f"{n:.0e}": measured(peer, data.sparse(n), rounds, clock) for n in sizes}
    results["hostile"] = measured(peer, data.hostile(hostile), rounds, clock, only=(EXACT, VUS))
    return results


def number(value):
    return f"{value:.12g}"


def times(seconds, mine):
    return f"{seconds / mine:.3g}"


def volumes(found):
    """Return the table of VUS: the others have 250 thresholds, ours every score as well."""
    lines = []
    for size, table in found.items():
        exact = table[EXACT][OURS]["seconds"]
        shown = {f"{OURS}, every score": table[EXACT][OURS]}
        shown |= {f"{OURS}, 250 thresholds": table[VUS][OURS]}
        shown |= {who: told for who, told in table[VUS].items() if who != OURS}
        if AP in table:
            shown |= {f"{who}, average precision": told for who, told in table[AP].items()}
        lines += [
            [
                size,
                who,
                f"{told['seconds'] * 1e3:.4g}",
                times(told["seconds"], exact),
                number(told["numbers"][0]),
                told["measured"],
            ]
            for who, told in shown.items()
        ]
    return rows(
        f"VUS-PR and VUS-ROC together, buffer {data.BUFFER}; average precision of the same arrays",
        ["readings", "who", "ms", "times ours", "VUS-PR or AP", "rounds"],
        lines,
    )


AP = "average precision"


def others(found):
    """Return the table of all other metrics."""
    lines = []
    for size, table in found.items():
        for row, told in table.items():
            if row in (EXACT, VUS):
                continue
            mine = told[OURS]
            lines.append([row, size, OURS, f"{mine['seconds'] * 1e3:.4g}", "", ""])
            lines += [
                [
                    "",
                    "",
                    who,
                    f"{theirs['seconds'] * 1e3:.4g}",
                    times(theirs["seconds"], mine["seconds"]),
                    f"{difference(mine, theirs):.0e}",
                ]
                for who, theirs in told.items()
                if who != OURS
            ]
    return rows(
        "All other metrics",
        ["metric", "readings", "who", "ms", "times ours", "difference"],
        lines,
    )


def difference(mine, theirs):
    return float(np.abs(np.subtract(mine["numbers"], theirs["numbers"])).max())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--peer-python", default=sys.executable, help="Python with the packages")
    parser.add_argument("--nab", type=Path, help="a checkout of numenta/NAB")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller runs")
    parser.add_argument("--readings", type=int, choices=data.FAULTS, help="one size only")
    parser.add_argument("--rounds", type=int, help="how often each is measured")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="what is measured")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    peer = Peer(options.peer_python, options.nab, options.clock)
    print(f"Python {platform.python_version()} on {platform.machine()}, numpy {np.__version__}, "
          f"numba {numba.__version__}; beside it: "
          + ", ".join(f"{name} {version}" for name, version in peer.versions.items()))  # fmt: skip
    for name, reason in peer.left_out.items():
        print(f"left out: {name} ({reason})")
    sizes, hostile, rounds = (
        ((QUICK,), QUICK, QUICK_ROUNDS) if options.quick else (SPARSE, HOSTILE, ROUNDS)
    )
    if options.readings:
        sizes, hostile = (options.readings,), options.readings
    results = run(peer, sizes, hostile, options.rounds or rounds, options.clock)
    peer.close()
    sparse = {size: table for size, table in results.items() if size != "hostile"}
    print("\n" + volumes(results), "\n\n" + others(sparse), flush=True)
    if options.json:
        written = {"versions": peer.versions, "left_out": peer.left_out, "results": results}
        options.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
