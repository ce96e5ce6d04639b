"""index.html: all runs, whatever became of their run.json; hostile text in it does nothing."""

import json
import re

import pytest

from sensorkit.report.changes.history import summary
from sensorkit.report.files import write_json
from sensorkit.report.views.index_page import SHOWN, index

HOSTILE = "<script>hacked=1</script><img src=x onerror=hacked=1>\x00\x1b[2J\u2028"


def passed(report, **changed):
    return {
        "status": "passed",
        "created_at": "2026-01-30T12:00:00.000000Z",
        "git_commit": "0123456789abcdef",
        "git_dirty": True,
        "duration_s": 61.5,
        "summary": summary(report) | changed,
    }


def add(out, name, facts):
    folder = out / "runs" / name
    folder.mkdir(parents=True)
    if isinstance(facts, dict):
        write_json(folder / "run.json", facts)
    else:
        (folder / "run.json").write_bytes(facts)
    return folder


def text_of(html):
    """Return what a page says, without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.split("<body>")[1]).split())


def lines(html):
    """Return each run's line, in the order of the page."""
    return [text_of(f"<body>{row.split('</tr>')[0]}") for row in html.split('<th scope="row">')[1:]]


def test_runs_of_the_same_data_stand_together_newest_first(tmp_path, report):
    other = {"data": ["ef" * 32], "recordings": ["boiler"]}
    add(tmp_path, "20260103T000000Z-000003", passed(report))
    add(tmp_path, "20260102T000000Z-000002", passed(report, **other))
    add(tmp_path, "20260101T000000Z-000001", passed(report))

    html = index(tmp_path).read_text(encoding="utf-8")

    titles = re.findall(r"<h2>(.*?)</h2>", html)
    assert titles == ["bench", "boiler"]
    ids = re.findall(r"2026010\dT000000Z-00000\d(?=</small>)", html)
    assert [name[-1] for name in ids] == ["3", "1", "2"]
    assert "2 runs of the same data" in text_of(html)


def test_groups_of_the_same_name_are_told_apart_by_how_long_they_are_or_by_their_data(
    tmp_path, report
):
    for day, (data, hours) in enumerate((("ab", 5), ("cd", 5), ("ef", 121), ("01", None)), start=1):
        facts = passed(report, data=[data * 32], recordings=["bench"], duration_s=hours)
        if hours:
            facts["summary"]["duration_s"] = hours * 3600.0
        add(tmp_path, f"2026010{day}T000000Z-000001", facts)
    add(tmp_path, "20260101T000000Z-000002", passed(report, data=["77"], recordings=["boiler"]))

    html = index(tmp_path).read_text(encoding="utf-8")

    assert re.findall(r"<h2>(.*?)</h2>", html) == [
        "bench, data 01010101",
        "bench, 5.04 days",
        "bench, 5 h, data cdcdcdcd",
        "boiler",
        "bench, 5 h, data abababab",
    ]


def test_a_line_says_what_the_run_found_and_came_from(tmp_path, report):
    change = {"base": "x", "word": "better and worse", "before": "sigma"}
    facts = passed(report, change=change, requirements={"met": 1, "of": 2})
    add(tmp_path, "20260103T000000Z-000003", facts)

    line = lines(index(tmp_path).read_text(encoding="utf-8"))[0]

    for said in (
        "2026-01-30 12:00 UTC",
        "✓ passed",
        "forest before: sigma",
        "▲▼ better and worse",
        "✗ 1 of 2 met",
        "0123456 with changes",
        "61.5 s",
    ):
        assert said in line


def test_a_line_says_whose_figures_it_has_where_none_is_recommended(tmp_path, report):
    told = {"detector": "sigma", "verdict": "none can be recommended"}
    change = {"base": "x", "word": "the same to the last digit", "before": "guard"}
    add(tmp_path, "20260103T000000Z-000003", passed(report, **told, change=change))

    line = lines(index(tmp_path).read_text(encoding="utf-8"))[0]

    assert "none can be recommended figures of sigma before: guard" in line
    assert "the same sigma in both" in line


def test_pages_of_comparisons_are_linked_whatever_they_are_called(tmp_path, report):
    add(tmp_path, "20260103T000000Z-000003", passed(report))
    assert "Comparisons" not in index(tmp_path).read_text(encoding="utf-8")
    (tmp_path / "compare").mkdir()
    (tmp_path / "compare" / "<b>1-2#.html").touch()

    html = index(tmp_path).read_text(encoding="utf-8")

    assert '<a href="compare/%3Cb%3E1-2%23.html">&lt;b&gt;1-2#</a>' in html


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("better", "▲ better"),
        ("worse", "▼ worse"),
        ("cannot be told apart", "≈ cannot be told apart"),
        ("the same to the last digit", "= the same"),
    ],
)
def test_a_change_has_a_mark_and_a_word(tmp_path, report, word, said):
    change = {"base": "x", "word": word, "before": None}
    add(tmp_path, "20260103T000000Z-000003", passed(report, change=change))

    assert said in lines(index(tmp_path).read_text(encoding="utf-8"))[0]


def test_a_run_without_a_result_is_listed_with_its_reason(tmp_path, report):
    add(tmp_path, "20260105T000000Z-000005", {"status": "running", "reason": ""})
    add(tmp_path, "20260104T000000Z-000004", {"status": "aborted", "reason": "stopped by Ctrl+C"})
    add(tmp_path, "20260103T000000Z-000003", {"status": "failed", "reason": "no such port"})
    add(tmp_path, "20260102T000000Z-000002", passed(report))

    html = index(tmp_path).read_text(encoding="utf-8")

    assert re.findall(r"<h2>(.*?)</h2>", html) == ["Runs without a result", "bench"]
    assert "3 without a result" in text_of(html)
    first, second, third, _ = lines(html)
    assert "… running or killed" in first
    assert "✗ stopped stopped by Ctrl+C" in second
    assert "✗ failed no such port" in third


BROKEN = {
    "cut off": b'{"status": "pas',
    "empty": b"",
    "no object": b"[1, 2]",
    "not text": b"\xff\xfe\x00",
    "nested": b"[" * 100_000,
    "large": b'{"reason": "' + b"x" * 10_000_000 + b'"}',
    "long reason": json.dumps({"status": "failed", "reason": "y" * 900_000}).encode(),
    "hostile": json.dumps(
        {"status": HOSTILE, "reason": HOSTILE, "created_at": HOSTILE, "git_commit": HOSTILE}
    ).encode(),
    "hostile summary": json.dumps(
        {
            "status": "passed",
            "summary": {
                "schema_version": 3,
                "recordings": [HOSTILE, 7],
                "data": [HOSTILE],
                "verdict": HOSTILE,
                "event_recall": "much",
                "event_recall_ci": "ab",
                "false_alarms_per_day": 1e400,
                "change": {"word": HOSTILE, "before": HOSTILE},
                "requirements": {"met": HOSTILE, "of": 0},
            },
        }
    ).encode(),
    "odd types": json.dumps(
        {
            "status": ["passed"],
            "reason": 5,
            "created_at": 12,
            "git_commit": 1.5,
            "duration_s": "long",
            "summary": "none",
        }
    ).encode(),
    "surrogate": b'{"status": "failed", "reason": "\\ud800 and more"}',
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_or_hostile_run_is_a_line_and_breaks_nothing(tmp_path, report, kind):
    add(tmp_path, "20260103T000000Z-000003", passed(report))
    add(tmp_path, "20260102T000000Z-000002", BROKEN[kind])

    page = index(tmp_path)

    html = page.read_text(encoding="utf-8")
    assert len(lines(html)) == 2
    assert "<script" not in html
    assert "<img" not in html
    assert "\x00" not in html
    assert page.stat().st_size < 40_000


def test_a_run_without_run_json_is_a_line(tmp_path):
    (tmp_path / "runs" / "20260101T000000Z-000001").mkdir(parents=True)

    assert "run.json cannot be read" in text_of(index(tmp_path).read_text(encoding="utf-8"))


def test_a_link_to_an_oddly_named_folder_is_quoted(tmp_path, report):
    add(tmp_path, '2026"><img src=x>', passed(report))

    html = index(tmp_path).read_text(encoding="utf-8")

    assert 'href="runs/2026%22%3E%3Cimg%20src%3Dx%3E/run.json"' in html
    assert "<img" not in html


def test_a_run_of_an_older_version_stays_and_is_called_so(tmp_path, report):
    old = summary(report) | {"schema_version": 2}
    del old["data"]
    add(tmp_path, "20260102T000000Z-000002", {"status": "passed", "summary": old})
    add(tmp_path, "20260101T000000Z-000001", passed(report))

    html = index(tmp_path).read_text(encoding="utf-8")

    assert ["made by an older version" in line for line in lines(html)] == [True, False]
    assert re.findall(r"<h2>(.*?)</h2>", html) == ["bench", "bench"]  # its data are not known


def test_a_public_run_is_of_no_older_version(tmp_path):
    facts = {
        "kind": "public",
        "status": "passed",
        "summary": {"recordings": ["nab (public)"], "verdict": "sigma is best."},
    }
    add(tmp_path, "20260102T000000Z-000002", facts)

    html = index(tmp_path).read_text(encoding="utf-8")

    assert "older version" not in html
    assert "sigma is best." in lines(html)[0]


def test_the_command_that_compares_names_the_two_newest_of_the_same_data(tmp_path, report):
    add(tmp_path, "20260104T000000Z-000004", passed(report, data=["ef" * 32]))
    add(tmp_path, "20260103T000000Z-000003", passed(report))
    add(tmp_path, "20260102T000000Z-000002", passed(report))
    add(tmp_path, "20260101T000000Z-000001", passed(report))

    said = text_of(index(tmp_path).read_text(encoding="utf-8"))

    assert "sensorkit compare 20260102T000000Z-000002 20260103T000000Z-000003" in said


def test_of_very_many_runs_only_the_newest_are_read(tmp_path, report):
    text = json.dumps(passed(report)).encode()
    for number in range(SHOWN + 50):
        add(tmp_path, f"2026010{number // 100}T{number:06}Z-000000", text)
    oldest = tmp_path / "runs" / "20260100T000000Z-000000" / "run.json"
    oldest.unlink()
    oldest.mkdir()  # reading it would raise

    html = index(tmp_path).read_text(encoding="utf-8")

    assert len(lines(html)) == SHOWN
    assert f"{SHOWN + 50} runs, newest first; the newest {SHOWN} are shown" in text_of(html)


def test_no_runs_say_how_to_make_one(tmp_path):
    assert "make evaluate" in index(tmp_path).read_text(encoding="utf-8")


@pytest.mark.browser
def test_the_index_is_readable_on_a_phone_and_runs_nothing(tmp_path, report, browser):
    change = {"base": "x", "word": "worse", "before": None}
    add(tmp_path, "20260103T000000Z-000003", passed(report, change=change))
    for number, kind in enumerate(("hostile", "hostile summary", "long reason")):
        add(tmp_path, f"2026010{number}T000000Z-000002", BROKEN[kind])
    page = index(tmp_path)

    for width, dark in ((1200, False), (390, True)):
        browser.open(page, width=width, dark=dark)
        assert browser.evaluate("typeof hacked") == "undefined"
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        assert browser.complaints() == []
    assert browser.evaluate(
        "[...document.querySelectorAll('th')].every((th) => ['row', 'col'].includes(th.scope))"
    )
