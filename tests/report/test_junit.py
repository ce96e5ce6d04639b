"""junit.xml: what a CI system reads of a run."""

import re
from xml.etree import ElementTree as ET

import pytest

from sensorkit.report.ci.junit import LONGEST, junit
from sensorkit.report.verdict.requirements import judge

RUN = {
    "id": "20260131T120000Z-0a1b2c",
    "created_at": "2026-01-31T12:00:00.000000Z",
    "command": "sensorkit evaluate",
    "status": "passed",
    "reason": "",
    "duration_s": 41.5,
    "notebooks": [
        {"name": "01_capture", "status": "passed", "reason": "", "seconds": 3.25},
        {"name": "02_inject_faults", "status": "passed", "reason": "", "seconds": 1.0},
    ],
}
HOSTILE = "]]></failure>\"'<&\x00\x1b[2J\ufffe\ud800\u2028\n@x"

COUNT = re.compile(r"\d+")
SECONDS = re.compile(r"\d+\.\d{3}")
TEXT = re.compile(r".*", re.DOTALL)
SOMETHING = re.compile(r".+", re.DOTALL)
RULES = {
    # Element -> attributes with what they hold, and its children in their order; after the schema
    # of the Jenkins xUnit plugin, which other CI systems accept, too.
    "testsuites": (
        {"name": TEXT, "tests": COUNT, "failures": COUNT, "errors": COUNT}
        | {"skipped": COUNT, "time": SECONDS},
        ("testsuite",),
    ),
    "testsuite": (
        {"name": TEXT, "tests": COUNT, "failures": COUNT, "errors": COUNT, "skipped": COUNT}
        | {"time": SECONDS, "timestamp": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")},
        ("testcase",),
    ),
    "testcase": (
        {"classname": SOMETHING, "name": SOMETHING, "time": SECONDS},
        ("error", "failure", "system-out"),
    ),
    "error": ({"type": SOMETHING, "message": TEXT}, ()),
    "failure": ({"type": SOMETHING, "message": TEXT}, ()),
    "system-out": ({}, ()),
}


def broken_rules(element):
    attributes, children = RULES[element.tag]
    for name, holds in attributes.items():
        if name not in element.attrib and name != "timestamp":
            yield f"{element.tag} has no {name}"
        elif not holds.fullmatch(element.attrib.get(name, "2026-01-01T00:00:00")):
            yield f"{element.tag}: {name} is {element.attrib[name]!r}"
    yield from (f"{element.tag} has a {name}" for name in element.attrib.keys() - attributes)
    places = [children.index(child.tag) for child in element if child.tag in children]
    if len(places) < len(element) or places != sorted(places):
        yield f"{element.tag} holds {[child.tag for child in element]}"
    if element.tag == "testsuite":
        for name, tag in (("failures", "failure"), ("errors", "error"), ("tests", None)):
            cases = [case for case in element if tag is None or case.find(tag) is not None]
            if element.attrib[name] != str(len(cases)):
                yield f"testsuite: {name} is {element.attrib[name]}, there are {len(cases)}"
    for child in element:
        yield from broken_rules(child)


def read(text):
    """Parse *text* strictly, and hold it against the rules."""
    root = ET.fromstring(text.encode())
    assert list(broken_rules(root)) == []
    return {(case.get("classname"), case.get("name")): case for case in root.iter("testcase")}


def test_there_is_a_test_for_the_run_each_requirement_cell_and_notebook(report):
    report["requirements"] = judge(report, ["forest.vus_pr>=0.1", "forest.delay_median_s<=15s"])

    cases = read(junit(RUN, report))

    assert set(cases) == {
        ("run", "sensorkit evaluate"),
        ("requirement", "forest.vus_pr>=0.1"),
        ("requirement", "forest.delay_median_s<=15s"),
        *(("cell.bench-faults", cell["detector"]) for cell in report["cells"]),
        *(("notebook", notebook["name"]) for notebook in RUN["notebooks"]),
    }
    assert cases["notebook", "01_capture"].get("time") == "3.250"
    assert cases["run", "sensorkit evaluate"].get("time") == "41.500"


def test_the_run_has_one_name_whatever_its_command_so_that_ci_can_follow_it():
    command = "sensorkit evaluate --quick --out 'C:\\a b'"

    cases = [read(junit(RUN | {"command": said}, None)) for said in ("sensorkit evaluate", command)]

    assert [*cases[0]] == [*cases[1]]
    assert cases[1]["run", "sensorkit evaluate"].find("system-out").text == command


def test_what_fell_short_is_a_failure_and_what_did_not_finish_an_error(report):
    report["requirements"] = judge(report, ["forest.vus_pr>=0.99", "forest.delay_median_s<=15s"])

    cases = read(junit(RUN, report))

    failed = {key: case for key, case in cases.items() if case.find("failure") is not None}
    assert list(failed) == [("requirement", "forest.vus_pr>=0.99")]
    message = failed["requirement", "forest.vus_pr>=0.99"].find("failure").get("message")
    assert message.startswith("forest.vus_pr>=0.99: not met: had 0.720 [")
    errors = [key for key, case in cases.items() if case.find("error") is not None]
    assert errors == [("cell.bench-faults", "mewma")]
    said = cases["requirement", "forest.delay_median_s<=15s"].find("system-out").text
    assert "met, but the interval goes beyond" in said


def test_a_run_that_failed_has_its_reason_and_that_of_the_notebook():
    notebooks = [
        {"name": "02_inject_faults", "status": "failed", "reason": "cell [4]: no", "seconds": 1}
    ]
    run = RUN | {"status": "failed", "reason": "cell [4]: no", "notebooks": notebooks}

    cases = read(junit(run, None))

    assert set(cases) == {("run", "sensorkit evaluate"), ("notebook", "02_inject_faults")}
    for case in cases.values():
        assert (case.find("error").get("type"), case.find("error").text) == (
            "failed",
            "cell [4]: no",
        )


@pytest.mark.parametrize("text", [HOSTILE, "x" * 10_000_000])
def test_hostile_text_ends_no_element_and_is_not_longer_than_anyone_reads(report, text):
    report["cells"][0] |= {"recording": text, "detector": text, "status": "failed", "reason": text}
    report["requirements"] = judge(report, ["forest.vus_pr>=0.99"])
    report["requirements"][0] |= {"text": text}
    notebooks = [{"name": text, "status": "failed", "reason": text, "seconds": 1}]
    run = RUN | {"id": text, "command": text, "status": text, "reason": text}

    written = junit(run | {"notebooks": notebooks}, report)

    cases = read(written)
    assert len(cases) == 1 + 1 + len(report["cells"]) + 1
    assert len(written) < 40 * LONGEST
    if text == HOSTILE:
        error = cases["run", "sensorkit evaluate"].find("error")
        assert "\\x00\\x1b[2J\\ufffe\\ud800\\u2028" in error.text


def test_the_rules_find_what_is_wrong():
    text = junit(RUN, None)
    for good, bad in (
        ('tests="3"', 'tests="4"'),
        ('time="3.250"', 'time="soon"'),
        ("<testcase classname", "<testcase file"),
        ("</testsuite>", "<testsuite/></testsuite>"),
        ('timestamp="2026-01-31T12:00:00"', 'timestamp="today"'),
    ):
        assert good in text
        with pytest.raises((AssertionError, KeyError)):
            read(text.replace(good, bad))
