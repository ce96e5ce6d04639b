import numpy as np
import pytest
from judging import nab

from sensorkit.detect.episodes import Episodes
from sensorkit.evaluate.public.nab_alerts import alert_starts
from sensorkit.readings import Alert, Severity

HOUR = nab.HOUR_NS


@pytest.mark.parametrize("refractory_h", [0.0, 3.0, 12.0])
@pytest.mark.parametrize("merge", [0, 3, 10])
def test_alerts_begin_where_those_of_a_detector_do(merge, refractory_h):
    rng = np.random.default_rng(1)
    flagged = rng.random(2000) < rng.choice([0.01, 0.3], size=2000)
    time = np.arange(2000) * HOUR // 4
    found = alert_starts(flagged.astype(float), time, 1.0, merge, int(refractory_h * HOUR))

    def begin(row, track):
        return Alert(int(time[row]), "ANOMALY", Severity.WARNING, "", "test", "device")

    episodes = Episodes(1, merge, refractory_h * 3600.0)
    begun = [row for row, _ in episodes.update(time, flagged[:, np.newaxis], begin)]
    assert np.flatnonzero(found).tolist() == begun


def test_the_files_are_whole_and_their_windows_found(sensorkit_data):
    files = nab.load(sensorkit_data / "nab")
    assert (len(files), sum(len(file.readings) for file in files)) == (58, 365_558)
    assert sum(file.sheet.windows for file in files) == 116


def test_unseen_thresholds_come_from_other_files():
    raw = np.zeros((10, 2))
    raw[:, 0] = 0.5
    raw[3] = [-100.0, 1.0]  # alone against all: seen, it would decide
    sheets = [nab.Sheet.of(100, [(50, 59)]) for _ in range(10)]
    files = [nab.File(str(i), None, sheet, str(i)) for i, sheet in enumerate(sheets)]
    figures = nab.Figures(dict.fromkeys(nab.PROFILES, raw), raw, raw)
    assert nab.tuned(files, figures, np.array([1.0, 2.0]))["threshold"] == 2.0
    unseen = nab.unseen(files, [figures])["standard"]
    assert unseen < nab.normalised(raw[:, 1].sum(), 10, nab.PROFILES["standard"])
