"""Capture quality on the page: what was lost, what stands out, when it came."""

import copy

import pytest

from sensorkit.report.files import write_json
from sensorkit.report.parts.captured import FIGURES_SHOWN, captured, over_time, stands_out
from sensorkit.report.views import html

HEALTHY = {
    "lost": 0,
    "checksum_errors": 0,
    "rejected": {},
    "gaps": 0,
    "missing": 0,
    "jitter": 0.01,
    "step_p5_s": 0.99,
    "step_p95_s": 1.0,
    "events": {"link_opened": 1},
}


def test_the_row_of_a_recording_has_its_counts_and_what_lies_in_faults_apart(report):
    table = captured(report)
    (row,) = table["rows"]
    shown = {
        column: (cell["value"], *cell["details"])
        for column, cell in zip(table["columns"][2:], row["cells"], strict=True)
    }

    assert shown["Lost frames"] == ("3", "1 more in faults")
    assert shown["Checksum errors"] == ("2",)
    assert shown["Rejected"] == ("3", "checksum 2, partial start 1", "1 more in faults")
    assert shown["Gaps"] == ("1", "41 s, longest 41 s", "1 more in faults")
    assert shown["Missing values"] == ("20", "<1 %", "100 more in faults")
    assert shown["Jitter"] == ("4 %", "steps 0.98 s to 1.02 s", "largest 1.4 s")
    assert row["notes"] == ["3 frames lost", "2 checksum errors", "1 gap", "20 values missing"]


def test_what_cannot_be_seen_is_not_called_0(report):
    report["recordings"][0]["quality"] |= {"lost": None, "checksum_errors": None}

    (row,) = captured(report)["rows"]

    assert [(cell["value"], cell["details"][0]) for cell in row["cells"][1:3]] == [
        *(("not known", "no counter"), ("not known", "no checksum")),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"rejected": {"partial_start": 1}}, []),
        ({"rejected": {"checksum": 2, "syntax": 1}, "checksum_errors": 2}, [
            *("2 checksum errors", "1 frame rejected for another reason"),
        ]),
        ({"jitter": 0.5, "step_p5_s": 0.75, "step_p95_s": 1.25}, ["jitter of 0.5 s"]),
        # A USB adapter does that at 100 Hz, and nobody can help it.
        ({"jitter": 1.6, "step_p5_s": 0.0, "step_p95_s": 0.016}, []),
        ({"jitter": None, "step_p5_s": None, "step_p95_s": None}, []),
        ({"events": {"overrun": 1, "device_reset": 2}}, ["2 device resets", "1 overrun"]),
        ({"lost": None, "checksum_errors": None}, []),
    ],
)  # fmt: skip
def test_only_what_is_not_as_on_a_healthy_wire_stands_out(change, said):
    assert stands_out({**HEALTHY, **change}) == said


def test_trouble_is_drawn_over_time_for_the_recordings_that_have_most(report):
    (first,) = report["recordings"]
    report["recordings"] = []
    for n in range(9):
        one = copy.deepcopy(first)
        one["name"] = f"bench-{n}"
        for part in one["quality"]["over_time"]:
            part["lost"] += 10 * n
        report["recordings"].append(one)
    report["recordings"][8]["quality"]["over_time"] = []

    figures, cut = over_time(report)

    assert len(figures) == FIGURES_SHOWN
    assert cut == "The 6 of 8 recordings with the most are drawn."
    assert "bench-7" in figures[0].caption
    assert [row[3] for row in figures[0].rows] == ["73", "70"]
    marks = {trace["name"]: trace["marker"] for trace in figures[0].spec["data"]}
    assert len({mark["symbol"] for mark in marks.values()}) == len(marks) == 4


def test_a_recording_without_trouble_is_said_to_have_none(report, run_dir):
    (recording,) = report["recordings"]
    recording["quality"] |= {**HEALTHY, "over_time": []}
    write_json(run_dir / "report.json", report)

    text = html.render(run_dir).read_text(encoding="utf-8")

    assert "✓ nothing" in text
    assert 'id="figure-capture-' not in text
