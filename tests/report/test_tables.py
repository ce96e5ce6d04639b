"""What the page says of the comparison, the measures, the grid and the split."""

import re

import pytest

from sensorkit.display.formats import NONE
from sensorkit.report import measures, tables
from sensorkit.report.files import write_json
from sensorkit.report.parts import inputs
from sensorkit.report.views import html


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
    assert best["cells"][6] == {"value": "12 s", "range": "[6 s, not reached]"}


def test_an_alarm_that_never_ends_shows_in_the_table_of_detectors(report, run_dir):
    rows = {row["detector"]: row["cells"][5]["value"] for row in tables.ranking(report)}
    assert (rows["always"], rows["forest"]) == ("100 %", "<1 %")
    report["ranking"][0]["time_in_false_alarm_ci"] = [0.0, None]  # none was seen
    assert tables.ranking(report)[0]["cells"][5]["range"] == "[0 %, not known]"

    text = html.render(run_dir).read_text(encoding="utf-8")
    head = text.split('<section id="detectors">')[1].split("</thead>")[0]
    names = re.findall(r"<th [^>]*>(?:<a [^>]*>)?([^<]+)", head)
    assert names.index("Time in false alarm") == 2 + 5  # after name and group


def test_why_a_figure_is_missing_stands_at_its_row(report, run_dir):
    noted = {row["detector"]: row["note"] for row in tables.ranking(report)}
    assert noted == {**dict.fromkeys(noted, ""), "mewma": "failed on bench-faults"}
    assert "failed on bench-faults</small>" in html.render(run_dir).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("recordings", "copies", "said"),
    [
        (1, 1, "On 1 recording; 95"),
        (1, 2, "On 1 recording, 2 copies; 95"),
        (3, 3, "On 3 recordings; 95"),
        (3, 6, "On 3 recordings, 6 copies; 95"),
    ],
)
def test_copies_of_a_recording_are_not_called_recordings(report, run_dir, recordings, copies, said):
    for row in report["ranking"]:
        row |= {"recordings": recordings, "copies": copies}
    write_json(run_dir / "report.json", report)
    text = html.render(run_dir).read_text(encoding="utf-8")
    assert said in re.sub(r"<[^>]+>", "", text)


def test_faults_found_only_after_their_end_are_told_in_their_cell_and_nowhere_else(report, run_dir):
    heat = tables.heat(report)
    told = {
        (row["detector"], kind): cell["late"]
        for row in heat["rows"]
        for kind, cell in zip(heat["kinds"], row["cells"], strict=True)
        if cell["late"]
    }
    assert told == {
        ("sigma", "drift"): "3 after it was over",
        ("sigma", "all kinds"): "3 after it was over",
    }
    text = html.render(run_dir).read_text(encoding="utf-8")
    assert text.count("3 after it was over</small>") == 2
    assert 'href="#means-after_end"' in text
    assert 'id="means-after_end"' in text

    for row in report["results"]:
        row["faults_hit_after_end"] = row["faults_hit_after_end"] and 0
    write_json(run_dir / "report.json", report)
    assert 'href="#means-after_end"' not in html.render(run_dir).read_text(encoding="utf-8")


def test_the_recommendation_is_owned_to_rest_on_the_test(report, run_dir):
    text = html.render(run_dir).read_text(encoding="utf-8")
    assert "the recommendation was, so the figures of the recommended" in " ".join(
        inputs.method(report)
    )
    assert "chosen on the test" not in text
    assert "no threshold or parameter chosen on it" in text


def test_the_method_says_how_small_a_p_can_be(report):
    assert "never below 0.01, the least" in " ".join(inputs.method(report))
    report["settings"]["resamples"] = 1999
    assert "never below 0.001, the least" in " ".join(inputs.method(report))


def test_what_the_hash_of_a_recording_covers_stands_where_it_is_shown(report, run_dir):
    text = html.render(run_dir).read_text(encoding="utf-8")
    section = text.split('<section id="provenance">')[1].split("</section>")[0]
    assert "when each byte came in" in section
    (recording,) = report["recordings"]
    assert inputs.hashes(report)["rows"] == [
        (recording["name"], recording["data_sha256"], "ab" * 32)
    ]


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
        "7 of 8 cells finished; 1 taken over from an earlier run; 38 s of work; "
        "at most 370 MB of memory."
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

    assert grid["sentence"] == "8 of 8 cells finished; 1 taken over from an earlier run."
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
