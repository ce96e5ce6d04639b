"""`sensorkit compare`, and `--base`, as a user types them."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from sensorkit.report.changes import changed_figures
from sensorkit.report.files import read_json, write_json

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from made_runs import Limit, Runs, recording


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder of four runs: twice the same, one that is louder, one of other data."""
    folder = tmp_path_factory.mktemp("made")
    pump, boiler = recording(folder), recording(folder, "boiler", seed=4)
    runs = Runs(folder / "reports")
    runs(pump)
    runs(pump)
    runs(pump, detectors={"limit": Limit(2.5)})
    last = runs(boiler)
    (folder / "reports" / "latest.txt").write_text(f"{last.name}\n")
    return folder / "reports"


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(changed_figures, "RESAMPLES", 120)


@pytest.fixture
def reports(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "reports"))


@pytest.fixture
def compare(typing, capsys, reports):
    """Run `sensorkit compare ...`; return exit code, output and errors."""
    run = typing(capsys, "compare")
    return lambda *words: run(*words, "--out", reports)


FIRST, SECOND, LOUD, OTHER = (f"20260201T000{minute}" for minute in range(4))


def test_two_runs_of_the_same_are_said_to_be_the_same(compare):
    code, said, complaint = compare(FIRST, SECOND)

    assert (code, complaint) == (0, "")
    assert said.startswith("limit: every figure is the same to the last digit, the time aside.")
    assert "  VUS-PR" in said


def test_json_is_the_whole_comparison(compare):
    code, said, _ = compare(FIRST, LOUD, "--json")

    found = json.loads(said)
    assert code == 0
    assert found["comparable"] is True
    assert found["worse"] == ["limit: false alarms a day"]
    assert found["pages"] == []
    assert found["detectors"][0]["figures"][0]["figure"] == "vus_pr"


def test_different_data_exit_1_and_name_what_differs(compare):
    code, said, _ = compare(FIRST, "latest")

    assert code == 1
    assert said.startswith("Different data: not comparable. Only the base has pump-faults (data ")
    assert "Only the run has boiler (data " in said


def test_different_data_exit_1_in_json_too(compare):
    code, said, _ = compare(FIRST, OTHER, "--json")

    assert code == 1
    assert [r["name"] for r in json.loads(said)["data"]["only_in_run"]] == ["boiler"]


def test_the_index_links_to_the_page_of_a_comparison(compare, reports):
    compare(FIRST, LOUD, "--html")

    html = (reports / "index.html").read_text(encoding="utf-8")

    (page,) = (reports / "compare").iterdir()
    assert f'href="compare/{page.name}"' in html


def test_worse_fails_only_when_asked_to(compare):
    assert compare(FIRST, LOUD)[0] == 0
    code, _, complaint = compare(FIRST, LOUD, "--fail-if-worse")

    assert code == 1
    assert "sensorkit: worse than 20260201T000000Z-000001: limit: false alarms a day" in complaint
    assert compare(FIRST, SECOND, "--fail-if-worse")[0] == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((FIRST, "20270101"), "no run '20270101'"),
        ((FIRST, "2026"), "4 runs begin with '2026'"),
        ((FIRST, FIRST), "are one run, 20260201T000000Z-000001; give an earlier one and another"),
    ],
)
def test_wrong_use_exits_2_and_says_what_to_do(compare, words, complaint):
    code, said, why = compare(*words)

    assert (code, said) == (2, "")
    assert complaint in why


def test_a_run_of_an_older_version_exits_2(compare, reports):
    path = next((reports / "runs").glob(f"{FIRST}*")) / "report.json"
    write_json(path, read_json(path) | {"schema_version": 2})

    code, _, why = compare(FIRST, SECOND)

    assert code == 2
    assert "made by an older version" in why


def test_a_run_of_a_public_set_exits_2(compare, reports):
    path = next((reports / "runs").glob(f"{FIRST}*")) / "run.json"
    write_json(path, {"kind": "public", "dataset": "skab", "status": "passed"})

    code, _, why = compare(FIRST, SECOND)

    assert code == 2
    assert "is a run of the public benchmark 'skab'" in why


def test_the_page_stands_beside_the_runs_and_loads_nothing(compare, reports):
    code, said, _ = compare(FIRST, LOUD, "--html")

    page = reports / "compare" / "20260201T000000Z-000001-20260201T000200Z-000003.html"
    assert code == 0
    assert f"page: {page}" in said
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert "http" not in text.split("</head>")[1].split('<script type="application/json">')[0]
    assert list((reports / "assets").glob("plotly-*.min.js"))


def test_a_standalone_page_links_to_nothing(compare, reports):
    compare(FIRST, LOUD, "--standalone")

    (page,) = (reports / "compare").glob("*-standalone.html")
    body = page.read_text(encoding="utf-8").split("</head>")[1]
    own = re.sub(r"<script.*?</script>", "<script>", body, flags=re.DOTALL)
    assert re.findall('href="(.*?)"', own) == ["#main"]
    assert "src=" not in own
    assert not (reports / "assets").exists()


@pytest.mark.browser
@pytest.mark.parametrize("other", [LOUD, OTHER])
def test_the_page_can_be_read_everywhere(compare, reports, browser, other):
    for run in (reports / "runs").iterdir():
        values = read_json(run / "report.json")
        values["run"]["command"] = "</script><img src=x onerror='hacked=1'>"
        write_json(run / "report.json", values)
    compare(FIRST, other, "--html")
    (page,) = (reports / "compare").glob("*.html")

    for width, dark in ((1200, False), (390, True)):
        browser.open(page, width=width, dark=dark)
        data = browser.evaluate("({...document.documentElement.dataset})")
        assert data["drawn"] == data["figures"] == ("2" if other == LOUD else "0")
        assert browser.evaluate("typeof hacked") == "undefined"
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        assert browser.complaints() == []
        assert all(url.startswith("file:") for url in browser.requests())


def test_a_report_keeps_the_base_that_it_was_given(typing, capsys, reports):
    run = typing(capsys, "report")
    loud = next((reports / "runs").glob(f"{LOUD}*"))

    code, _, why = run(LOUD, "--base", FIRST, "--out", reports)

    assert (code, why) == (0, "")
    assert read_json(loud / "run.json")["base"] == "20260201T000000Z-000001"
    text = (loud / "report.html").read_text(encoding="utf-8")
    assert "named with --base" in text
    assert "false alarms a day (was 0, is 1,100) worse" in text


def test_a_run_is_rendered_where_it_stands_however_it_is_named(
    typing, capsys, reports, monkeypatch
):
    monkeypatch.chdir(next((reports / "runs").glob(f"{LOUD}*")))

    assert typing(capsys, "report")(".")[0] == 0

    assert not Path("index.html").exists()
    assert (reports / "index.html").is_file()
    assert (reports / "assets").is_dir()


def test_a_run_that_was_taken_out_of_its_folder_replaces_no_index(
    typing, capsys, reports, tmp_path
):
    shutil.copytree(next((reports / "runs").glob(f"{LOUD}*")), tmp_path / "shared" / "run")
    (tmp_path / "index.html").write_text("mine")

    code, said, _ = typing(capsys, "report")(tmp_path / "shared" / "run", "--json")

    assert (code, json.loads(said)["index"]) == (0, None)
    assert (tmp_path / "index.html").read_text() == "mine"


def test_a_report_says_that_its_base_is_of_other_data(typing, capsys, reports):
    run = typing(capsys, "report")
    run("latest", "--base", FIRST, "--out", reports)

    text = (next((reports / "runs").glob(f"{OTHER}*")) / "report.html").read_text(encoding="utf-8")

    assert "Different data: not comparable. Only the base has pump-faults" in text


@pytest.mark.parametrize("words", [("evaluate", "--quick"), ("report", "latest")])
def test_a_base_that_is_not_there_stops_before_anything_is_done(typing, capsys, reports, words):
    before = sorted(reports.rglob("*"))

    code, _, why = typing(capsys, *words)("--base", "20270101", "--out", reports)

    assert code == 2
    assert "no run '20270101'" in why
    assert sorted(reports.rglob("*")) == before


def test_a_base_does_not_go_with_a_public_set(typing, capsys, reports):
    code, _, why = typing(capsys, "evaluate")(
        "--dataset", "generated", "--base", FIRST, "--out", reports
    )

    assert code == 2
    assert "--base does not go with --dataset" in why
