"""What the page says of the comparison, the measures, the grid and the split."""

import re

import pytest

from sensorkit.report import html, inputs, measures, tables
from sensorkit.report.formats import NONE


def test_the_first_two_are_compared_in_numbers(report):
    assert tables.comparison(report) == (
        "VUS-PR of forest less that of sigma: +0.031 [−0.052, +0.117], p = 0.31, on 56 faults; "  # noqa: RUF001
        "about 140 more of the same mix would tell the two apart."
    )


@pytest.mark.parametrize(
    ("change", "said", "unsaid"),
    [
        ({"faults_needed": 0, "p_value": 0.0}, "p < 0.001, on 56 faults.", "more"),
        ({"faults_needed": None}, "on 56 faults; no number of faults in reason", "about"),
        ({"ci": None, "p_value": None}, "+0.031, on 56 faults;", "p ="),
        ({"faults": 1}, "on 1 fault;", "1 faults"),
    ],
)
def test_the_comparison_says_only_what_is_known(report, change, said, unsaid):
    report["verdict"]["comparison"] |= change
    sentence = tables.comparison(report)
    assert said in sentence
    assert unsaid not in sentence


def test_without_a_comparison_nothing_is_said(report, run_dir):
    report["verdict"]["comparison"] = None
    assert tables.comparison(report) == ""


def test_the_table_of_detectors_has_p_values_and_intervals(report):
    best, second, *rest = tables.ranking(report)

    assert best["cells"][1] == {"value": NONE, "range": ""}
    assert [row["cells"][1]["value"] for row in (second, *rest)][:3] == ["0.31", "0.012", "<0.001"]
    assert best["cells"][2]["range"]
    assert best["cells"][5] == {"value": "12 s", "range": "[6 s, not reached]"}


def test_each_measure_of_each_detector_stands_in_the_table_with_its_interval(report):
    (table,) = measures.all_measures(report)
    overall = {r["detector"]: r for r in report["results"] if r["fault_kind"] is None}

    assert table["columns"] == [row["detector"] for row in report["ranking"]]
    for measure, row in zip(measures.MEASURES, table["rows"], strict=True):
        for name, cell in zip(table["columns"], row["cells"], strict=True):
            result = overall[name]
            if name == "mewma":
                assert cell == {"value": "✗", "range": ""}
            else:
                assert cell["value"] == measure.form(result[measure.key])
                assert bool(cell["range"]) == (result[f"{measure.key}_ci"] is not None)


def test_every_measure_of_a_result_is_in_the_table(report):
    row = report["results"][0]
    with_interval = {key.removesuffix("_ci") for key in row if key.endswith("_ci")}
    assert {measure.key for measure in measures.MEASURES} == with_interval


def test_every_link_on_the_page_leads_to_something_on_it(run_dir):
    text = html.render(run_dir).read_text(encoding="utf-8")
    wanted = set(re.findall(r'href="#([^"]+)"', text))
    ids = re.findall(r'\bid="([^"]+)"', text)

    assert len(ids) == len(set(ids))
    assert {measure.anchor for measure in measures.MEASURES} <= wanted
    assert wanted <= set(ids)


def test_the_variant_of_vus_stands_at_the_table_of_detectors(run_dir, report):
    text = html.render(run_dir).read_text(encoding="utf-8")
    section = text.split('<section id="detectors">')[1].split("</section>")[0]
    assert report["settings"]["vus_variant"] in section


def test_the_grid_tells_what_finished_what_was_kept_and_what_it_took(report):
    grid = inputs.grid(report)

    assert grid["sentence"] == (
        "7 of 8 finished; 1 taken over from an earlier run; 38 s of work; at most 370 MB of memory."
    )
    assert grid["noted"] == [
        {"text": "✗ failed: mewma on bench-faults: ValueError: <b>it broke</b>", "failed": True}
    ]
    assert ("rules", "bench-faults", "✓ ok", "3.25 s", "330 MB", "an earlier run") in grid["rows"]
    assert ("mewma", "bench-faults", "✗ failed", "8.25 s", NONE, "this run") in grid["rows"]


def test_a_cell_that_finished_but_lacks_something_is_noted_and_not_called_failed(report):
    report["cells"][0]["reason"] = "detectability: the test has no room for an onset"
    report["cells"][1] |= {"status": "timeout", "reason": "stopped after 600 s"}

    noted = inputs.grid(report)["noted"]

    assert [cell["failed"] for cell in noted] == [False, True, True]
    assert noted[0]["text"].startswith("✓ ok: forest on bench-faults: detectability: ")
    assert noted[1]["text"].startswith("✗ out of time: sigma on bench-faults: stopped")
    assert any("2 cells of the grid did not finish" in text for text in tables.warnings(report))


def test_cells_that_were_not_measured_are_no_zeros(report):
    for cell in report["cells"]:
        cell |= {"seconds": None, "peak_mb": None, "status": "ok", "reason": None}
    grid = inputs.grid(report)

    assert grid["sentence"] == "8 of 8 finished; 1 taken over from an earlier run."
    assert {row[3:5] for row in grid["rows"]} == {(NONE, NONE)}


def test_the_split_is_shown_with_times_readings_hours_and_faults(report):
    (recording,) = inputs.recordings(report)

    assert [part["row"] for part in recording["stretches"]] == [
        ("fit", "2026-01-01 00:00:00", "2026-01-01 23:59:59", "86,400", "24", "0"),
        ("calibrate", "2026-01-02 00:00:00", "2026-01-02 23:59:59", "86,400", "24", "0"),
        ("test", "2026-01-03 00:00:00", "2026-01-03 23:59:59", "86,400", "24", "56"),
    ]
    assert sum(part["share"] for part in recording["stretches"]) == pytest.approx(1)


def test_how_the_smallest_faults_were_measured_is_told_only_where_they_were(report):
    assert "20 single faults of each of 8 sizes" in " ".join(inputs.method(report))
    report["settings"]["detectability"] = None
    assert "MIL-HDBK-1823A" not in " ".join(inputs.method(report))
