"""An evaluation in a notebook: what it says, its figures, its rows by detector."""

import re

import pytest

from sensorkit.errors import RecordingError, UsageError
from sensorkit.evaluate import Evaluation, Settings, benchmark

FAULTS = (("bias", 2000, 20, 8.0), ("spike", 2400, 1, 9.0))
SETTINGS = Settings(detectors={"sigma": {}, "mewma": {}}, resamples=100)


@pytest.fixture(scope="module")
def recording(recording_maker, tmp_path_factory):
    return recording_maker(tmp_path_factory.mktemp("recordings"))(faults=FAULTS)


@pytest.fixture(scope="module")
def results(recording):
    return benchmark([recording], SETTINGS)


def test_the_verdict_and_the_ranking_are_what_one_sees(results):
    text = repr(results)

    assert text.splitlines()[0].startswith("Evaluation of ")
    assert " ".join(results.verdict["sentence"].split()) in " ".join(text.split())
    rows = text.split("ranking")[1].splitlines()[2:]
    assert [row.split()[0] for row in rows] == [row["detector"] for row in results.ranking]
    assert "cells that failed" not in text
    assert text == repr(results)


def test_the_html_says_the_same_and_names_rows_and_columns(results):
    html = results._repr_html_()

    assert '<th scope="col"' in html
    assert all(f">{name}" in html for name in results)


def test_a_cell_that_failed_is_named_with_its_reason(results):
    facts = {**vars(results)}
    facts["cells"] = [
        {"detector": "sigma", "recording": "a", "status": "failed", "reason": "<b>boom</b>"}
    ]

    assert "sigma     a          failed  <b>boom</b>" in repr(Evaluation(**facts))
    assert "&lt;b&gt;boom" in Evaluation(**facts)._repr_html_()


def test_the_rows_of_a_detector_are_had_by_its_name(results):
    rows = results["sigma"]

    assert list(rows.columns[:2]) == ["recording", "fault_kind"]
    assert set(rows["fault_kind"].dropna()) == {"bias", "spike"}
    assert results._ipython_key_completions_() == list(results)
    with pytest.raises(KeyError, match="did you mean 'sigma'"):
        results["sigam"]


def test_the_figures_are_those_of_the_report(results):
    figure = results.plot("false-alarms")

    assert figure.layout.meta["alt"]
    assert results.plot().layout.meta["alt"] == results.plot(results.figures[0]).layout.meta["alt"]
    with pytest.raises(UsageError, match="did you mean 'false-alarms'"):
        results.plot("false-alarm")


def test_the_ranking_is_a_table(results):
    table = results.to_frame()

    assert table.index.tolist() == list(results)
    assert table["vus_pr"].is_monotonic_decreasing


@pytest.mark.parametrize("alone", [True, False])
def test_a_recording_may_be_named_by_its_folder(recording, results, alone):
    folder = str(recording.dir)

    found = benchmark(folder if alone else [folder], SETTINGS, clock=lambda: 0.0)

    assert found["sigma"]["vus_pr"].tolist() == results["sigma"]["vus_pr"].tolist()


def test_a_folder_that_is_no_recording_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="is no recording"):
        benchmark(tmp_path, SETTINGS)


def test_a_recording_shows_its_channels_with_units_and_its_faults(recording):
    html = recording._repr_html_()

    assert re.search(r">pressure</th><td[^>]*>bar<", html)
    assert "2 (bias 1, spike 1)" in html
    assert repr(recording) == f"Recording({recording.name!r}, injected, complete, 3,000 readings)"


def test_a_recording_is_drawn_with_units_and_faults(recording):
    figure = recording.plot()

    assert figure.layout.yaxis.title.text == "bar"
    assert "2 faults shaded" in figure.layout.meta["alt"]
    assert "0 faults shaded" in recording.plot("flow", labels=False).layout.meta["alt"]


def test_a_recording_that_was_cut_off_says_what_to_do(recording, tmp_path):
    import shutil

    from sensorkit.capture import Recording

    folder = shutil.copytree(recording.dir, tmp_path / "cut")
    (folder / "manifest-sha256.txt").unlink()
    html = Recording.open(folder)._repr_html_()

    assert "sensorkit recover" in html
    assert "pressure, flow" in html
