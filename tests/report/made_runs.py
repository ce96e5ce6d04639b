"""Runs of detectors whose threshold is given, on readings whose faults are known."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from pressure_limit import PressureLimit

from sensorkit.capture import write_recording
from sensorkit.evaluate import Settings, benchmark
from sensorkit.profile import Profile
from sensorkit.readings import FaultLabel, Readings, Words
from sensorkit.report.changes.history import since_base, summary
from sensorkit.report.document import write_report
from sensorkit.report.files import write_json

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND  # 2026-01-01
BEGAN = datetime(2026, 2, 1, tzinfo=UTC)
PROFILE = {
    "name": "pump",
    "device": "pump-1",
    "rate_hz": 1.0,
    "heartbeat_s": 5.0,
    "channels": [{"name": "pressure", "unit": "bar"}],
}


RUN = {
    "command": "sensorkit evaluate --recording pump-faults",
    "git_commit": "0123456789abcdef0123456789abcdef01234567",
    "git_dirty": False,
    "parameters": {},
    "versions": {"python": "3.11.7", "sensorkit": "0.1.0"},
    "machine": {"system": "Linux", "cpus": 2},
    "seeds": {},
    "duration_s": 1.5,
}


class Limit(PressureLimit):
    """Its scores can be made a little worse by noise."""

    name = "limit"

    def __init__(self, threshold=4.0, noise=0.0):
        super().__init__(threshold)
        self.noise = noise

    def get_params(self):
        return {"threshold": self.threshold_, "noise": self.noise}

    def score(self, readings):
        wobble = np.random.default_rng(1).normal(size=len(readings))
        return np.abs(readings.channel("pressure") + self.noise * wobble)


def recording(folder, name="pump-faults", *, n=8_000, faults=32, size=4.0, seed=0, labels=True):
    """Write a recording of noise; its last half has faults of two sizes."""
    rng = np.random.default_rng(seed)
    time = START + np.arange(n) * SECOND
    values = rng.normal(size=(n, 1))
    every = (n // 2) // (faults or 1)
    found = []
    for number in range(1, faults + 1):
        first = n // 2 + every * (number - 1) + every // 2
        values[first : first + 8, 0] += size if number % 2 else size / 2
        found.append(
            FaultLabel(
                id=number,
                device="pump-1",
                start=int(time[first]),
                end=int(time[first + 7]),
                kind="bias",
                channel="pressure",
                layer="signal",
                magnitude=size,
                magnitude_sigma=size,
                seed=seed,
            )
        )
    return write_recording(
        folder / name,
        Profile.from_dict(PROFILE, "test"),
        Readings.build(time, values, ["pressure"], device=Words.of(["pump-1"] * n)),
        kind="injected" if labels else "imported",
        labels=found if labels else (),
    )


class Runs:
    """Makes runs in `out`, each a minute after the one before."""

    def __init__(self, out, *, compared=False):
        self.out = out
        self.compared = compared
        self._run = RUN
        self.made = 0

    def __call__(self, *recordings, detectors=None, base="", machine=None, commit="", **settings):
        """Benchmark, and write what a run leaves."""
        now = BEGAN + timedelta(minutes=self.made)
        self.made += 1
        name = f"{now:%Y%m%dT%H%M%SZ}-{self.made:06x}"
        folder: Path = self.out / "runs" / name
        folder.mkdir(parents=True)
        given = {"fit": 0.2, "calibrate": 0.2, "resamples": 100, "buffer": 20, "detectors": {}}
        evaluation = benchmark(
            recordings,
            Settings(**given | settings),
            own=detectors or {"limit": Limit()},
        )
        evaluation.write(folder)
        run = self._run | {
            "id": name,
            "created_at": f"{now:%Y-%m-%dT%H:%M:%S}.000000Z",
            "machine": machine or self._run["machine"],
            "git_commit": commit or self._run["git_commit"],
        }
        report = write_report(folder, evaluation.to_dict(), run)
        facts = {
            **{key: run[key] for key in ("id", "created_at", "command", "git_commit", "git_dirty")},
            **({"base": base} if base else {}),
            "status": "passed",
            "reason": "",
            "duration_s": 1.5,
        }
        write_json(folder / "run.json", facts)
        since = since_base(folder, report) if self.compared else {}
        facts["summary"] = summary(report) | since
        write_json(folder / "run.json", facts)
        return folder
