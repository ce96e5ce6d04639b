"""The table and the curves of the smallest faults say what the entries say, and no more."""

import json
import re

import pytest

from sensorkit.display.figure import COLOURS, styles
from sensorkit.display.formats import NONE
from sensorkit.evaluate.figures.choosing import compared
from sensorkit.evaluate.figures.curves import CURVES_SHOWN, band_of, curves, left_out
from sensorkit.evaluate.figures.smallest import smallest
from sensorkit.report.parts.inputs import method
from sensorkit.report.terms import definitions as definitions_of_all
from sensorkit.report.views import html


def entry(report, detector, kind, channel):
    return next(
        e
        for e in report["detectability"]
        if (e["detector"], e["kind"], e["channel"]) == (detector, kind, channel)
    )


def cell(report, detector, kind, channel):
    table = smallest(report)
    names = [column["name"] for column in table["columns"]]
    row = next(r for r in table["rows"] if (r["kind"], r["where"]) == (kind, channel or ""))
    return row["cells"][names.index(detector)]


def test_columns_are_the_measured_detectors_in_the_order_of_the_ranking(report):
    assert [column["name"] for column in smallest(report)["columns"]] == [
        *("forest", "sigma", "rules", "always"),
    ]


def test_a_size_stands_with_its_unit_in_sigmas_and_with_its_delay(report):
    entry(report, "forest", "drift", "temperature").update(
        a90_95=1.85, a90_95_sigma=9.25, delay_at_a90_s=40.0
    )

    assert cell(report, "forest", "drift", "temperature") == {
        "value": "1.85 °C",
        "details": ["9.25 sigma", "after 40 s"],
        "number": True,
        "best": False,  # sigma's is smaller
    }


@pytest.mark.parametrize(
    ("delay", "details"),
    [(59.0, ["after 59 s"]), (60.0, ["after 60 s", "when it was over"]), (0.0, ["at once"])],
)
def test_a_fault_that_is_only_found_when_it_is_over_is_called_so(report, delay, details):
    drift = entry(report, "forest", "drift", "temperature")
    drift.update(delay_at_a90_s=delay, duration_s=60.0)
    assert cell(report, "forest", "drift", "temperature")["details"][1:] == details

    drift["duration_s"] = None  # its size is its duration, or it is one reading
    assert "when it was over" not in cell(report, "forest", "drift", "temperature")["details"]


@pytest.mark.parametrize(
    ("detector", "kind", "channel", "value", "details"),
    [
        ("rules", "bias", "temperature", "not reached", ["up to 4 °C"]),
        ("rules", "spike", "temperature", "no trend", []),
        ("always", "spike", "temperature", "not testable", []),
        ("sigma", "spike", "voltage", "not proven", ["a90 0.0978 V", "up to 0.4 V"]),
        ("forest", "silence", None, "at most 1 s", []),
    ],
)
def test_what_has_no_exact_size_says_so_in_words(report, detector, kind, channel, value, details):
    found = cell(report, detector, kind, channel)

    assert (found["value"], found["details"]) == (value, details)
    assert found["number"] == value.startswith("at most")


def test_the_smallest_of_each_row_is_marked_and_nothing_else(report):
    for row in smallest(report)["rows"]:
        marked = [c["best"] for c in row["cells"]]
        assert marked == [True, False, False, False], row
    for e in report["detectability"]:
        if e["detector"] == "forest":
            e["a90_95"] = None
    table = smallest(report)
    assert [c["best"] for c in table["rows"][0]["cells"]] == [False, True, False, False]
    assert not any(c["best"] for c in table["rows"][1]["cells"])


def test_equal_sizes_are_both_marked_and_one_detector_alone_is_not(report):
    sigma, forest = (entry(report, name, "bias", "voltage") for name in ("sigma", "forest"))
    sigma["a90_95"] = forest["a90_95"]
    assert cell(report, "sigma", "bias", "voltage")["best"]
    assert cell(report, "forest", "bias", "voltage")["best"]

    report["detectability"] = [e for e in report["detectability"] if e["detector"] == "forest"]
    assert not any(c["best"] for row in smallest(report)["rows"] for c in row["cells"])


def test_every_outcome_with_a_reason_is_told_once(report):
    for e in report["detectability"]:
        if e["kind"] == "stuck":
            e.update(status="not_testable", reason="no room for 240 readings")
    without = smallest(report)["without"]

    beyond = "the upper bound of a90 lies beyond the largest size tried"
    assert ("sigma", "ok", "spike on voltage", beyond) in without
    assert without[0] == (
        *("forest, sigma, rules, always", "not testable"),
        *("stuck on temperature; stuck on voltage", "no room for 240 readings"),
    )
    always = next(row for row in without if row[0] == "always")
    assert always[1] == "not testable"
    assert always[2].count("; ") == 8  # nine kinds and channels
    assert always[3] == "an alert is open without a fault in 20 of 20 windows"
    told = {(name, row[1]) for row in without for name in row[0].split(", ")}
    assert told == {
        (e["detector"], e["status"].replace("_", " "))
        for e in report["detectability"]
        if e["reason"]
    }


def test_the_numbers_have_intervals_and_say_which_end_lies_beyond_the_sizes_tried(report):
    rows = {row[:2]: row for row in smallest(report)["numbers"]}

    assert rows["forest", "drift on voltage"][3] == "0.0489 V [0.0376, 0.0636]"
    assert rows["sigma", "spike on voltage"][3] == "0.0978 V [0.0752, beyond]"
    assert rows["rules", "bias on voltage"][2:5] == (NONE, NONE, NONE)
    assert rows["sigma", "stuck on voltage"][6:9] == ("12 s", "0.41", "5 %")


def test_all_found_with_too_few_faults_to_prove_it_is_no_number(report):
    entry(report, "forest", "silence", None).update(a90_95=None, delay_at_a90_s=None)

    found = cell(report, "forest", "silence", None)
    assert (found["value"], found["details"]) == ("all found", ["too few to prove"])
    assert not found["number"]
    assert not found["best"]


def test_device_and_recording_are_named_only_where_there_are_several(report):
    assert {row["where"] for row in smallest(report)["rows"]} == {"temperature", "voltage", ""}

    report["detectability"].append(
        {**report["detectability"][0], "recording": "other", "device": "monitor-2"}
    )
    rows = smallest(report)["rows"]
    assert rows[0]["where"] == "temperature, monitor-1, bench-faults"
    assert rows[-1]["where"] == "temperature, monitor-2, other"
    assert [c["value"] for c in rows[-1]["cells"]][1:] == [NONE] * 3


def test_nothing_measured_is_no_table_and_no_figure(report):
    report["detectability"] = []
    assert smallest(report) is None
    assert curves(report) == []


def test_a_figure_for_each_kind_and_channel_shows_every_point_as_it_was_counted(report):
    figures = curves(report)

    assert len(figures) == len({(e["kind"], e["channel"]) for e in report["detectability"]})
    e = entry(report, "sigma", "drift", "voltage")
    figure = next(f for f in figures if f.caption.startswith("Drift on voltage"))
    (drawn,) = (t for t in figure.spec["data"] if t["name"] == "sigma" and t["mode"] == "markers")
    assert drawn["x"] == [p["size"] for p in e["points"]]
    assert drawn["y"] == [p["hits"] / p["faults"] for p in e["points"]]
    assert drawn["customdata"] == [[p["hits"], p["faults"]] for p in e["points"]]
    assert len(figure.rows) == 3 * len(e["points"])
    assert "sigma 0.122 V" in figure.alt
    assert "rules not reached" in figure.alt
    json.dumps(figure.spec, allow_nan=False)


def test_the_band_is_that_of_the_recommended_detector(report):
    report["verdict"]["detector"] = "sigma"

    for figure in curves(report):
        filled = [trace["name"] for trace in figure.spec["data"] if "fill" in trace]
        assert filled == ["sigma"]
        assert figure.caption.endswith("; shaded: band of sigma")


def test_what_the_bands_are_is_said_once_above_the_curves(report, run_dir):
    said = "Shaded is the 95 % band of forest, if its curve is logistic."
    assert band_of(report) == said
    text = html.render(run_dir).read_text(encoding="utf-8")
    above, _, figures = text.partition('<div class="curves">')
    assert (above.count(said), figures.count(said)) == (1, 0)

    for entry in report["detectability"]:
        entry["band"] = []
    assert band_of(report) == ""


def test_no_confidence_is_claimed_for_a_curve_without_saying_of_which_form_it_is(report, run_dir):
    for figure in curves(report):
        assert "at 95 % confidence if the curve is logistic" in figure.alt
    text = html.render(run_dir).read_text(encoding="utf-8")
    section = text.split('<section id="smallest">')[1].split("</section>")[0]
    claims = re.findall(r"95 % (?:confidence|intervals?)(?P<rest>.{20})", section)
    assert len(claims) > len(curves(report))
    assert all(rest.startswith(" if ") for rest in claims)
    definitions = {
        each["name"]: each["meaning"] for part in definitions_of_all() for each in part["terms"]
    }
    assert "at 95 % confidence if the curve is logistic" in definitions["a90/95"]
    assert "95 % if the curve is logistic" in " ".join(method(report))


def test_without_a_fit_there_are_points_and_no_curve(report):
    figure = next(f for f in curves(report) if f.caption.startswith("Silence"))
    mine = [t for t in figure.spec["data"] if t["name"] == "forest"]

    assert [t["mode"] for t in mine] == ["lines+markers", "lines+markers"]
    assert mine[0]["y"] == [1.0] * 8
    assert "fill" not in json.dumps(figure.spec)


def test_a_size_at_which_no_fault_counts_is_not_drawn_as_never_found(report):
    e = entry(report, "sigma", "bias", "voltage")
    e["points"][0] |= {"faults": 0, "hits": 0, "excluded": 20}

    figure = next(f for f in curves(report) if f.caption.startswith("Bias on voltage"))
    (drawn,) = (t for t in figure.spec["data"] if t["name"] == "sigma" and t["mode"] == "markers")
    assert e["points"][0]["size"] not in drawn["x"]
    assert ("sigma", "0.01 V", "0.5", "0 of 0", NONE, "20", NONE) in figure.rows


def test_a_detector_that_cannot_be_tested_is_not_drawn(report):
    for e in report["detectability"]:
        if e["detector"] == "sigma" or e["kind"] == "stuck":
            e.update(status="not_testable", reason="3 of 160 faults count")

    figures = curves(report)

    assert {trace["name"] for f in figures for trace in f.spec["data"]} == {"forest", "rules"}
    assert not any(f.caption.startswith("Stuck") for f in figures)


def test_each_detector_has_one_entry_in_the_legend_of_each_figure(report):
    for figure in curves(report):
        shown = [t["name"] for t in figure.spec["data"] if t["showlegend"]]
        assert sorted(shown) == sorted({t["name"] for t in figure.spec["data"]})


def test_a_page_draws_a_bounded_number_of_figures_and_says_how_many_there_are(report):
    assert left_out(report) == ""
    some = report["detectability"]
    report["detectability"] = [{**e, "recording": f"r{n}"} for n in range(3) for e in some]

    assert len(curves(report)) == CURVES_SHOWN
    assert left_out(report) == f"The first {CURVES_SHOWN} of 33 are drawn."


def test_no_two_detectors_look_the_same_and_none_changes_with_what_is_drawn(report):
    names = [f"d{i}" for i in range(20)]
    look = styles(names)

    assert len({(s.colour, s.dash, s.symbol) for s in look.values()}) == 20
    assert len({(s.colour, s.dash) for s in look.values()}) == 20
    assert {look[name].colour for name in names[:6]} == set(COLOURS)
    report["detectability"] = [e for e in report["detectability"] if e["detector"] != "forest"]
    figure = curves(report)[0]
    line = next(t for t in figure.spec["data"] if t["name"] == "sigma")["line"]
    assert line["color"] == styles(compared(report))["sigma"].colour == COLOURS[1]
