"""A cold process: how long until sensorkit is imported, and until the first score is there."""

import subprocess
import sys

from detecting.timing import in_turns, rows

STARTS = {
    "python alone": "pass",
    "import pandas": "import pandas",
    "import sensorkit": "import sensorkit",
    "from sensorkit import detect": "from sensorkit import detect",
    "import river.anomaly": "import river.anomaly",
    "import pyod.models.iforest": "import pyod.models.iforest",
}
FIRST_SCORE = """
import numpy as np
from sensorkit import detect
from sensorkit.readings import Readings

time = np.arange({n}) * 10**9
values = np.random.default_rng(0).normal(size=({n}, 2))
readings = Readings.build(time, values, ["a", "b"])
detect.make("{name}"{given}).fit(readings).score(readings)
"""


def started(code):
    def run():
        # What is not installed is shown as such, by a failure of its own.
        subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)

    return run


def works(code):
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    return done.returncode == 0


def run(quick):
    jobs = {name: started(code) for name, code in STARTS.items() if works(code)}
    for name in ("sigma", "volatility", "mewma", "rules", "forest", "guard", "novelty"):
        given = ', source="fit"' if name == "rules" else ""
        code = FIRST_SCORE.format(name=name, given=given, n=1_000)
        jobs[f"first score: {name}"] = started(code)
    return {"seconds": in_turns(jobs, rounds=2 if quick else 5)}


def table(result):
    return rows(
        "A new process, kernels compiled before (seconds)",
        ["until", "s"],
        [[name, f"{s:.2f}"] for name, s in result["seconds"].items()],
    )
