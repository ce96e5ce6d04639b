"""One junit.xml of several runs: a suite each, told apart by the name of its device."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from sensorkit.display.formats import visible
from sensorkit.report.ci.junit import EVALUATE, LONGEST
from sensorkit.report.shortened import cut

COUNTS = ("tests", "failures", "errors", "skipped")


def merged(texts: Mapping[str, str], without: Mapping[str, str]) -> str:
    r"""Return the suites of several runs in one file.

    Parameters
    ----------
    texts : mapping
        Device -> junit.xml of its run.
    without : mapping
        Device -> why there is no run of it.

    Examples
    --------
    >>> print(merged({}, {"boiler": "no\x00 port"}).splitlines()[4].strip())
    <error type="failed" message="no\x00 port">no\x00 port</error>
    """
    whole = ET.Element("testsuites", {"name": EVALUATE})
    for name, text in texts.items():
        # Our own file, of a moment ago.
        for suite in ET.fromstring(text).iter("testsuite"):  # noqa: S314
            suite.set("name", f"{name} {suite.get('name', '')}".strip())
            for case in suite.iter("testcase"):
                # CI systems follow a test over time by its class and name.
                case.set("classname", f"{name}.{case.get('classname', '')}")
            whole.append(suite)
    for name, reason in without.items():
        said = visible(cut(reason, LONGEST))
        ones = {"tests": "1", "failures": "0", "errors": "1", "skipped": "0", "time": "0.000"}
        suite = ET.SubElement(whole, "testsuite", {"name": name, **ones})
        attributes = {"classname": f"{name}.run", "name": EVALUATE, "time": "0.000"}
        case = ET.SubElement(suite, "testcase", attributes)
        ET.SubElement(case, "error", {"type": "failed", "message": said}).text = said
    suites = whole.findall("testsuite")
    for count in COUNTS:
        whole.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    # Side by side they took as long as the longest.
    longest = max((float(suite.get("time", "0")) for suite in suites), default=0.0)
    whole.set("time", f"{longest:.3f}")
    ET.indent(whole)
    text = ET.tostring(whole, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'
