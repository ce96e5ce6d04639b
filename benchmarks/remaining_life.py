"""Remaining life: what is chosen, how well it predicts, and how early detectors warn.

    SENSORKIT_DATA=... python benchmarks/remaining_life.py choose   cross-validation, training only
    SENSORKIT_DATA=... python benchmarks/remaining_life.py          the figures of the page

The second writes tests/prognosis/reference/figures.json, which docs/remaining-life.md is checked
against. FD002 to FD004 are among the figures where their files are.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.model_selection import GroupKFold

from sensorkit import detect, prognosis
from sensorkit.errors import DataError
from sensorkit.evaluate.lead_times import lead_times, summary
from sensorkit.profile import Profile
from sensorkit.prognosis.emulated import emulated
from sensorkit.prognosis.health import HealthIndex, suitability
from sensorkit.prognosis.model import Choices, LifeModel
from sensorkit.prognosis.trial import CAP, LIMIT, detector_for, trial

PLACE = Path(__file__).parents[1] / "tests" / "prognosis" / "reference" / "figures.json"
FIRST_CUT = 30
"""Cycles: no engine of the test of FD001 is cut off earlier."""

WATCHING = ("rules", "sigma", "volatility", "mewma", "forest", "guard")

GRID = (
    *({"window": window} for window in (30, 50, 70, 100)),
    *({"leaves": leaves} for leaves in (8, 32)),
)


def folds(n):
    """Return the engines to learn from and to predict, five times."""
    return GroupKFold(5).split(np.arange(n), groups=np.arange(n))


def choose():
    """Print RMSE and score on engines of the training part that were held out."""
    lives = prognosis.lives(prognosis.load("FD001").readings("train"))
    values = [life.readings.values for life in lives]
    left = [life.left for life in lives]
    for changed in GRID:
        choices = replace(Choices(), **changed)
        predicted, true = [], []
        for seen, unseen in folds(len(lives)):
            model = LifeModel.fit(
                [values[k] for k in seen], [left[k] for k in seen], list(seen), CAP, choices
            )
            for k in unseen:
                predicted.append(model.predict(model.features(values[k]))[FIRST_CUT:])
                true.append(np.minimum(left[k], CAP)[FIRST_CUT:])
        predicted, true = np.concatenate(predicted), np.concatenate(true)
        print(
            f"{changed}: RMSE {prognosis.rmse(predicted, true):.2f}, score of 100 engines "
            f"{100 * prognosis.phm08(predicted, true) / len(true):.0f}",
            flush=True,
        )


def judged(name):
    """Return the figures of a subset by its protocol."""
    fleet = prognosis.load(name)
    found = trial(fleet)
    lives = [life.readings.values for life in prognosis.lives(fleet.readings("train"))]
    index = HealthIndex.fit(
        lives[: len(lives) // 2],
        conditions=fleet.conditions,
        settings=(0, 1, 2) if fleet.conditions > 1 else (),
    )
    others = lives[len(lives) // 2 :]
    return {
        "methods": found.table().to_dict("index"),
        "covered": found.covered,
        "megabytes": fleet.megabytes,
        "health": suitability([index.index(one) for one in others])._asdict(),
    }


def leads_of_fd001():
    """Return lead times on FD001; remaining life is predicted for engines that were held out."""
    fleet = prognosis.load("FD001")
    lives = prognosis.lives(fleet.readings("train"))
    given = {"fit_s": 30, "calibrate_s": 50, "useful_s": 20}
    watching = {name: detect.make(name) for name in WATCHING if name not in ("rules", "guard")}
    watching |= {
        "rules": detect.make("rules", source="fit"),
        "guard": detect.make("guard"),
        "always": detect.make("always"),
    }
    found = [lead_times(watching, lives, **given)]
    devices = fleet.readings("train").device.codes
    readings = fleet.readings("train")
    for seen, unseen in folds(len(lives)):
        detector = detector_for(fleet).fit(readings[np.isin(devices, seen)])
        of = {"remaining_life": detector}
        found.append(lead_times(of, [lives[k] for k in unseen], **given))
    return table(found)


def leads_of_the_emulated():
    """Return lead times on emulated turbofans; what learns from lives has learned from others."""
    profile = Profile.load("turbofan")
    seen, ends = emulated(profile, units=20, hours=4, rate_hz=0.2, seed=1)
    life = prognosis.RemainingLife(limit_s=600, cap_s=2000, profile=profile).fit(seen, ends)
    watching = {name: detect.make(name, profile=profile) for name in WATCHING}
    watching |= {"profile": detect.usual(profile), "remaining_life": life}
    readings, labels = emulated(profile, units=20, hours=3, rate_hz=0.2, seed=2)
    lives = [
        one for one in prognosis.lives(readings, labels) if one.left[-1] == 0 and len(one.left) > 1
    ]
    given = {"fit_s": 400, "calibrate_s": 600, "useful_s": 300}
    return {
        "leads": table([lead_times(watching, lives, **given)]),
        "error_s": life.error,
        "limit_s": life.limit,
        "cap_s": life.cap,
    }


def table(found):
    """Return the summary of several parts, ready for JSON."""
    import pandas as pd

    return summary(pd.concat(found, ignore_index=True)).to_dict("index")


def rounded(value):
    """Return a figure, or each of several, to five digits."""
    if isinstance(value, dict):
        return {str(key): rounded(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(one) for one in value]
    return float(f"{value:.5g}")


def main():
    if sys.argv[1:] == ["choose"]:
        choose()
        return
    found = {"limit_cycles": LIMIT, "cap_cycles": CAP, "subsets": {}}
    for name in prognosis.fleet.SUBSETS:
        try:
            found["subsets"][name] = judged(name)
        except DataError as error:
            print(f"left out: {error}", flush=True)
    found["leads_fd001"] = leads_of_fd001()
    found["emulated"] = leads_of_the_emulated()
    PLACE.parent.mkdir(exist_ok=True)
    PLACE.write_text(json.dumps(rounded(found), indent=1) + "\n", encoding="utf-8")
    print(PLACE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
