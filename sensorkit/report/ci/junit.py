"""junit.xml: how a run went, for the test views of CI systems.

Test cases are the run itself, what was required of it, the cells of its grid and its notebooks.
A requirement that fell short is a failure; what did not finish is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from sensorkit.display.formats import visible
from sensorkit.report.shortened import cut
from sensorkit.report.verdict import requirement_words as words

Facts = Mapping[str, Any]

LONGEST = 2000
"""Characters of one text; a device's line may have ten million."""

EVALUATE = "sensorkit evaluate"


def junit(run: Facts, report: Facts | None) -> str:
    r"""Return a run as JUnit XML.

    Every character is one that XML 1.0 allows: others are written as escapes, as on the pages.

    Parameters
    ----------
    run : mapping
        As run.json.
    report : mapping or None
        As report.json; None where the run did not come so far.

    Examples
    --------
    >>> text = junit({"id": "x", "status": "failed", "reason": "no\x00 device"}, None)
    >>> print(text.splitlines()[4].strip())
    <error type="failed" message="no\x00 device">no\x00 device</error>
    """
    cases = [*_run(run), *_requirements(report), *_cells(report), *_notebooks(run)]
    created = str(run.get("created_at", ""))
    # The schema of Jenkins wants the time to the second and without a zone.
    when = {"timestamp": created[:19]} if created[:19].count(":") == 2 else {}
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "skipped": "0",
        "time": f"{float(run.get('duration_s') or 0.0):.3f}",
    }
    suites = ET.Element("testsuites", {"name": EVALUATE, **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": _said(run.get("id", ""))} | counts | when)
    suite.extend(cases)
    ET.indent(suites)
    text = ET.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(group: str, name: object, seconds: object = 0.0) -> ET.Element:
    time = seconds if isinstance(seconds, int | float) else 0.0
    return ET.Element(
        "testcase", {"classname": _said(group), "name": _said(name), "time": f"{time:.3f}"}
    )


def _mark(case: ET.Element, tag: str, kind: str, message: object) -> ET.Element:
    said = _said(message)
    ET.SubElement(case, tag, {"type": kind, "message": said}).text = said
    return case


def _run(run: Facts) -> Iterator[ET.Element]:
    # CI systems follow a test over time by its name, so the command of this run is no part of it.
    case = _case("run", EVALUATE, run.get("duration_s"))
    status = str(run.get("status", "failed"))
    if status != "passed":
        _mark(case, "error", _said(status), run.get("reason"))
    if command := run.get("command"):
        ET.SubElement(case, "system-out").text = _said(command)
    yield case


def _requirements(report: Facts | None) -> Iterator[ET.Element]:
    for row in (report or {}).get("requirements", []):
        case = _case("requirement", row["text"])
        if not row["met"]:
            _mark(case, "failure", "requirement", words.sentence(row))
        elif row["shown"] is False:
            ET.SubElement(case, "system-out").text = _said(words.sentence(row))
        yield case


def _cells(report: Facts | None) -> Iterator[ET.Element]:
    for cell in (report or {}).get("cells", []):
        # A dot would make a package of what stands before it.
        group = f"cell.{cell['recording']}".replace(".", "_").replace("_", ".", 1)
        case = _case(group, cell["detector"], cell["seconds"])
        if cell["status"] != "ok":
            _mark(case, "error", cell["status"], cell["reason"] or cell["status"])
        yield case


def _notebooks(run: Facts) -> Iterator[ET.Element]:
    for notebook in run.get("notebooks", []):
        case = _case("notebook", notebook["name"], notebook["seconds"])
        if notebook["status"] != "passed":
            _mark(case, "error", notebook["status"], notebook["reason"] or notebook["status"])
        yield case


def _said(text: object) -> str:
    """Return *text* as XML 1.0 takes it, and not longer than anyone reads."""
    return visible(cut(str(text), LONGEST))
