"""The protocols on the real sets: figures that are known, and flaws that must show."""

import numpy as np
import pytest

from sensorkit import datasets
from sensorkit.evaluate.public import public_benchmark
from sensorkit.evaluate.public.debruijn import KINDS, DeBruijn
from sensorkit.evaluate.public.nab import Nab, sheet_of

pytestmark = pytest.mark.data


def judged(root, name, **asked):
    folder = root / datasets.card(name).directory
    return public_benchmark(name, folder=folder, resamples=50, **asked)


@pytest.fixture(scope="module")
def skab(sensorkit_data):
    return judged(sensorkit_data, "skab", detectors=["mewma", "sigma"])


def test_an_alarm_that_never_ends_has_f1_0_698_on_skab_and_beats_six_published_rows(skab):
    always = skab.of("always")
    assert always["f1"] == pytest.approx(0.698, abs=0.0005)
    assert (always["far"], always["mar"]) == (100.0, 0.0)
    published = [row["f1"] for row in skab.published if row["f1"] is not None]
    assert sum(always["f1"] > f1 for f1 in published) == 6
    assert (always["rank"], always["rank_of"]) == (5, 11)


def test_mewma_is_ahead_of_every_published_row_of_skab_without_a_look_at_the_labels(skab):
    mewma = skab.of("mewma")
    assert mewma["f1"] == pytest.approx(0.811, abs=0.0005)
    assert mewma["far"] < 13.55
    assert mewma["rank"] == 1
    assert skab.settings["whole"] is True


def test_nab_has_its_58_files_and_116_windows(sensorkit_data):
    cases = Nab().cases(datasets.load("nab", sensorkit_data / "nab"))
    assert len(cases) == Nab.whole
    assert sum(len(case.test) for case in cases) == 365_558
    assert sum(sheet_of(case).windows for case in cases) == 116


def test_on_nab_the_honest_figure_is_not_the_optimised_one(sensorkit_data):
    found = judged(sensorkit_data, "nab", detectors=["sigma"], limit=12)
    sigma = found.of("sigma")
    assert sigma["optimised"] > sigma["frozen"]
    assert sigma["optimised_low_fn"] >= sigma["optimised"] >= sigma["optimised_low_fp"]
    assert found.of("never")["frozen"] == found.of("always")["frozen"] == 0.0
    assert sigma["not_comparable"] == "not all of the set was judged"


def test_a_few_series_of_the_ucr_archive_are_judged(sensorkit_data):
    found = judged(sensorkit_data, "ucr", detectors=["forest"], limit=5)
    assert found.settings["series"] == 5
    assert found.of("always")["hit"] == found.of("never")["hit"] == 0.0
    assert 0.0 <= found.of("forest")["hit"] <= 1.0
    assert found.of("forest")["hit"] * 5 == pytest.approx(round(found.of("forest")["hit"] * 5))


def test_a_random_score_gets_a_high_point_adjusted_f1_on_smap_and_msl(sensorkit_data):
    found = judged(sensorkit_data, "smap_msl", detectors=["sigma"], limit=12)
    random = found.of("random")
    assert random["pa_f1_warning"] > 0.7
    assert random["vus_pr"] < 0.25


def test_every_kind_of_de_bruijns_faults_is_judged_beside_its_clean_twin(sensorkit_data):
    folder = sensorkit_data / "debruijn_faults"
    cases = DeBruijn().cases(datasets.load("debruijn", folder))
    assert [sum(case.kind == kind for case in cases) for kind in KINDS] == [9] * 6
    for case in cases:
        learned = max(case.fit.time.max(), case.calibrate.time.max())
        assert learned < case.test.time.min()
        assert not case.faulty[0]


def test_forest_ranks_de_bruijns_faults_as_documented(sensorkit_data):
    found = judged(sensorkit_data, "debruijn", detectors=["forest"]).of("forest")
    told = {"random": 0.962, "bias": 0.943, "drift": 0.840, "mixed": 0.813}
    assert {kind: round(found[f"ap_{kind}"], 3) for kind in told} == pytest.approx(told, abs=0.002)


def test_engines_are_warned_of_their_failure_early(sensorkit_data):
    found = judged(sensorkit_data, "cmapss", detectors=["guard"], limit=10)
    guard, always = found.of("guard"), found.of("always")
    assert guard["in_time"] >= 0.5
    assert guard["lead_median"] >= 20
    assert (always["in_time"], always["false_alarms"]) == (0.0, 1.0)


def test_the_nodes_of_asnx_give_their_faults_away_themselves(sensorkit_data):
    found = judged(sensorkit_data, "asnx", detectors=["rules"], limit=6).of("rules")
    assert found["average_precision_x"] > found["average_precision"] + 0.2


def test_motes_without_an_event_count_for_false_alarms_only(sensorkit_data):
    found = judged(sensorkit_data, "suthaharan", detectors=["rules"])
    known = [row for row in found.per_series if row["detector"] == "rules"]
    events = np.array([row["faults"] for row in known])
    assert (events == 0).any()
    assert all(row.get("vus_pr") is None for row in known if row["faults"] == 0)
    assert found.of("rules")["vus_pr"] is not None
