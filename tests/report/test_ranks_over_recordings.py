"""The critical-difference diagram shows the ranks and the bars, and claims no more."""

import itertools
import json

import pytest

from sensorkit.report import html
from sensorkit.report.critical_difference import critical_difference, diagram
from sensorkit.report.files import write_json


@pytest.fixture
def figure(report, over_recordings):
    (figure,) = critical_difference(report | {"critical_difference": over_recordings})
    return figure


def bars(spec):
    return [t for t in spec["data"] if t["name"] == "not told apart"]


def test_each_mean_rank_is_a_dot_and_a_name(figure, over_recordings):
    (dots,) = (t for t in figure.spec["data"] if t["mode"] == "markers")

    assert dict(zip(dots["text"], dots["x"], strict=True)) == {
        row["detector"]: row["mean_rank"] for row in over_recordings["ranks"]
    }
    texts = [a["text"] for a in figure.spec["layout"]["annotations"]]
    assert sorted(texts[::2]) == sorted(row["detector"] for row in over_recordings["ranks"])
    assert texts[texts.index("sigma") + 1] == "1.88"


def test_a_bar_joins_exactly_what_a_clique_does(figure):
    assert [bar["x"] for bar in bars(figure.spec)] == [[1.5, 3.0], [1.875, 4.25], [5.5, 7.375]]
    heights = [bar["y"] for bar in bars(figure.spec)]
    assert len({y for y, _ in heights}) == 3
    assert all(a == b for a, b in heights)


def test_no_line_to_a_name_crosses_another(figure):
    lines = [t for t in figure.spec["data"] if t["mode"] == "lines" and len(t["x"]) == 3]
    assert len(lines) == 8
    for one, other in itertools.permutations(lines, 2):
        (rank, _, edge), (_, depth, _) = one["x"], one["y"]
        (other_rank, *_), (_, other_depth, _) = other["x"], other["y"]
        between = min(rank, edge) < other_rank < max(rank, edge)
        assert not (between and other_depth > depth), (one["name"], other["name"])


def test_the_table_has_each_pair_and_what_the_corrected_p_says(figure, over_recordings):
    assert len(figure.rows) == 28
    for row, pair in zip(figure.rows, over_recordings["pairs"], strict=True):
        told = "told apart" if pair["p_holm"] < 0.05 else "not told apart"
        assert (row[0], row[1], row[4]) == (pair["a"], pair["b"], told)


def test_the_words_for_those_who_cannot_see_it_have_ranks_and_cliques(figure):
    assert "forest 1.50; sigma 1.88" in figure.alt
    assert "Not told apart: forest, sigma, rules; sigma, rules, last_value" in figure.alt


@pytest.mark.parametrize("n", [1, 2, 3, 25])
def test_any_number_of_detectors_is_drawn_ties_and_all(n):
    spec = diagram([(f"d{i}", 1 + i // 2) for i in range(n)], [])

    json.dumps(spec, allow_nan=False)
    assert bars(spec) == []
    depth = spec["layout"]["yaxis"]["range"][0]
    assert max(a["y"] for a in spec["layout"]["annotations"]) < depth


def test_a_long_name_is_cut_in_the_diagram_and_whole_in_the_dot(figure):
    spec = diagram([("a_detector_with_a_long_name", 1.0), ("b", 2.0)], [])

    assert spec["layout"]["annotations"][0]["text"] == "a_detector_…"
    assert spec["data"][-1]["text"][0] == "a_detector_with_a_long_name"


def test_below_six_recordings_the_page_says_when_there_will_be_one(
    run_dir, report, over_recordings
):
    assert critical_difference(report) == []
    text = html.render(run_dir).read_text(encoding="utf-8")
    assert "from 6 recordings on" in text
    assert 'id="figure-critical-difference"' not in text

    write_json(run_dir / "report.json", report | {"critical_difference": over_recordings})
    text = html.render(run_dir).read_text(encoding="utf-8")
    assert "from 6 recordings on" not in text
    assert 'id="figure-critical-difference"' in text
