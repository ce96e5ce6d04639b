"""A page of a large evaluation still opens: rows and figures are capped, and it is said."""

import copy
import re

import pandas as pd
import pytest

from sensorkit.evaluate.evaluation import cases_frame
from sensorkit.evaluate.figures.choosing import ACROSS_SHOWN, ROWS_SHOWN
from sensorkit.evaluate.figures.curves import CURVES_SHOWN
from sensorkit.report.files import write_json
from sensorkit.report.measures import RECORDINGS_SHOWN
from sensorkit.report.views import html

DETECTORS, RECORDINGS, PLACES = 220, 210, 300


@pytest.fixture
def large_run(run_dir, report, cases):
    """A run of 220 detectors with 300 curves, 210 recordings and 60 000 false alarms."""
    first = report["ranking"][0]["detector"]
    for part, key in (("ranking", "detector"), ("detectors", "name"), ("results", "detector")):
        mine = [row for row in report[part] if row[key] == first]
        report[part] += [row | {key: f"d{n}"} for n in range(DETECTORS - 8) for row in mine]
    recording, cell = report["recordings"][0], report["cells"][0]
    for n in range(RECORDINGS - 1):
        report["recordings"].append(copy.deepcopy(recording) | {"name": f"bench-{n}"})
        report["cells"].append(cell | {"recording": f"bench-{n}"})
    overall = [row for row in report["results"] if row["fault_kind"] is None]
    for n in range(RECORDINGS_SHOWN):
        report["results"] += [row | {"recording": f"bench-{n}"} for row in overall[:ACROSS_SHOWN]]
    entry = next(one for one in report["detectability"] if one["detector"] == first)
    report["detectability"] += [entry | {"channel": f"c{n}"} for n in range(PLACES)]
    alarm = cases[cases["case"] == "false_alarm"].to_dict("records")[0]
    alarms = cases_frame([alarm]).loc[[0] * 60_000].reset_index(drop=True)
    alarms["peak_score"] = [float(n) for n in range(60_000)]
    write_json(run_dir / "report.json", report)
    pd.concat([cases, alarms]).to_csv(run_dir / "cases.csv", index=False)
    return run_dir


@pytest.mark.slow
def test_rows_and_figures_are_capped_and_the_page_says_so(large_run):
    text = html.render(large_run).read_text(encoding="utf-8")

    assert len(text) < 6_000_000
    rows = [part.count("<tr") for part in re.findall(r"<table.*?</table>", text, re.DOTALL)]
    assert max(rows) == ROWS_SHOWN + 1
    across = [row.count("<th ") for row in re.findall(r"<thead>.*?</thead>", text)]
    assert max(across) == ACROSS_SHOWN + 1
    assert len(re.findall('id="figure-detectability-', text)) == CURVES_SHOWN
    for said in (
        f"; the first {ROWS_SHOWN} of {DETECTORS}, report.json has all",
        f"; the first {ROWS_SHOWN} of {RECORDINGS}, report.json has all",
        f"; the {ACROSS_SHOWN} best of {DETECTORS} detectors, report.json has all",
        f"The first {CURVES_SHOWN} of 311 are drawn.",
        "The 10 worst of 60,001 false alarms",
        "The first 12 of 210 recordings; report.json has all.",
        "The 6 of 210 recordings with the most are drawn.",
    ):
        assert said in text, said
