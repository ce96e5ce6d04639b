"""The critical-difference diagram shows the ranks and the bars, and claims no more."""

import itertools
import json

import pytest

from sensorkit.evaluate.figures.critical_difference import critical_difference, diagram, too_few
from sensorkit.report.files import write_json
from sensorkit.report.views import html


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
    assert [bar["x"] for bar in bars(figure.spec)] == [[1.5, 1.875], [1.875, 3.0]]
    heights = [bar["y"] for bar in bars(figure.spec)]
    assert len({y for y, _ in heights}) == 2
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
    assert len(figure.rows) == 6
    for row, pair in zip(figure.rows, over_recordings["pairs"], strict=True):
        told = "told apart" if pair["p_holm"] < 0.05 else "not told apart"
        assert (row[0], row[1], row[4]) == (pair["a"], pair["b"], told)


def test_the_words_for_those_who_cannot_see_it_have_ranks_and_cliques(figure):
    assert "forest 1.50; sigma 1.88" in figure.alt
    assert "Not told apart: forest, sigma; sigma, rules." in figure.alt


def test_where_no_pair_can_be_told_apart_there_are_ranks_only_and_the_page_says_why(
    run_dir, report, over_recordings
):
    over_recordings |= {"recordings": 7, "least_p_holm": 6 * 2.0**-6}
    report["critical_difference"] = over_recordings
    (figure,) = critical_difference(report)

    assert "7 recordings cannot separate 4 detectors: 8 or more are needed" in figure.caption
    assert "bar" not in figure.caption
    assert bars(figure.spec) == []
    assert "told apart" not in figure.alt
    assert figure.columns == ("Detector", "Mean rank")
    assert figure.rows[:2] == [("forest", "1.50"), ("sigma", "1.88")]
    write_json(run_dir / "report.json", report)
    assert "cannot separate 4 detectors" in html.render(run_dir).read_text(encoding="utf-8")


@pytest.mark.parametrize("detectors", [2, 3, 4, 9, 10])
def test_as_many_recordings_as_are_said_to_be_needed_are_the_fewest_that_do(detectors):
    names = [f"d{i}" for i in range(detectors)]
    pairs = [{"a": a, "b": b} for a, b in itertools.combinations(names, 2)]

    def said(recordings):
        least = min(1.0, len(pairs) * 2.0 ** (1 - recordings))
        found = {"least_p_holm": least, "alpha": 0.05, "recordings": recordings, "pairs": pairs}
        return too_few(found)

    enough = next(n for n in range(2, 40) if not said(n))
    assert {said(n).split(": ")[1] for n in range(2, enough)} == {f"{enough} or more are needed"}


def test_one_detector_among_baselines_has_a_rank_and_no_test(report, over_recordings):
    over_recordings |= {"pairs": [], "cliques": [], "least_p_holm": 1.0}
    (figure,) = critical_difference(report | {"critical_difference": over_recordings})

    assert figure.caption.endswith("; there are no two detectors to compare")
    assert len(figure.rows) == 8


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
