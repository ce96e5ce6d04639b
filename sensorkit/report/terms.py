"""What the words of a report mean, and how a sentence gets links to their meanings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from markupsafe import Markup, escape

from sensorkit.display.formats import visible
from sensorkit.report.measures import MEASURES, Measure


@dataclass(frozen=True)
class Term:
    """A word of the report and what it means there."""

    key: str
    name: str
    meaning: str
    words: tuple[str, ...] = ()
    """Other forms that are linked to it; the name is, too."""

    @property
    def anchor(self) -> str:
        """Return the id of the definition on the page."""
        return f"means-{self.key}"


TRIAL = (
    Term(
        "fit",
        "Fit",
        "The first stretch of a recording. Detectors learn from it what is healthy; it has no "
        "faults.",
        ("fit stretch",),
    ),
    Term(
        "calibrate",
        "Calibrate",
        "The second stretch, also without faults. Thresholds are set on it and then frozen.",
        ("calibration", "calibration stretch"),
    ),
    Term(
        "test",
        "Test",
        "The last stretch, and the only one with faults. No threshold or parameter is chosen on "
        "it.",
        ("test stretch", "the test"),
    ),
    Term(
        "score",
        "Score",
        "What a detector gives each reading: the higher, the worse.",
        ("scores", "peak score", "highest score"),
    ),
    Term(
        "threshold",
        "Frozen threshold",
        "From this score on a reading is flagged. It is set on the calibrate stretch so that the "
        "budget is kept, and not moved again.",
        ("threshold", "thresholds", "frozen thresholds"),
    ),
    Term(
        "budget",
        "Budget",
        "The false alarms a day that whoever runs the device can bear; thresholds are frozen for "
        "it.",
    ),
    Term(
        "extrapolated",
        "Extrapolated",
        "The clean time was too short to see the budget kept: showing one false alarm in so many "
        "days takes three times as many clean days without one.",
    ),
    Term(
        "baseline",
        "Baseline",
        "A detector that knows nothing of the device: always, never, at random, or by the last "
        "value. What cannot be told apart from one has learned nothing.",
        ("baselines",),
    ),
    Term(
        "clean_hours",
        "Clean hours",
        "Hours that readings cover outside all fault windows; gaps do not count, for nobody was "
        "watching.",
        ("clean hour", "clean time"),
    ),
    Term(
        "cell",
        "Cell",
        "One detector on one recording.",
        ("cells",),
    ),
)
FINDING = (
    Term(
        "fault",
        "Fault",
        "What was injected into a healthy recording, or marked in it: a kind (drift, spike, "
        "stuck, ...) on a channel, of a size, from a start to an end.",
        ("injected fault", "injected faults"),
    ),
    Term(
        "window",
        "Fault window",
        "From the start of a fault to a number of readings (the tolerance) after its end.",
        ("fault windows", "tolerance"),
    ),
    Term(
        "alert",
        "Alert",
        "Flagged readings that belong together, with a start and an end.",
        ("alerts",),
    ),
    Term(
        "found",
        "Found",
        "An alert begins in the fault's window, and none was open when the fault started.",
        ("finds",),
    ),
    Term(
        "missed",
        "Missed",
        "Not found. In the delay it counts as never found.",
        ("miss", "misses", "missed fault", "missed faults"),
    ),
    Term(
        "false_alarm",
        "False alarm",
        "An alert that touches no fault window.",
        ("false alarms",),
    ),
    Term(
        "after_end",
        "After it was over",
        "Of the faults found, those whose alert began only after the fault's last reading (of a "
        "silence: after the first reading that follows), within the tolerance. They count as "
        "found, but the alert may answer to the signal's return, as where a drift ends in a jump "
        "back.",
    ),
    Term(
        "group",
        "Group",
        "Detectors with one letter cannot be told apart from the best of their group: the 95 % "
        "interval of the paired difference of VUS-PR holds 0. A group ends at the first that "
        "differs from its best; one further down may not, and p says so.",
        ("groups", "group letter"),
    ),
    Term(
        "interval",
        "95 % interval",
        "Made again with other faults of the same mix, 95 of 100 such intervals would hold the "
        "true value. It stands in brackets; an open side is named.",
        ("95 % intervals", "intervals"),
    ),
    Term(
        "p_value",
        "p",
        "Two-sided p-value of the paired difference of VUS-PR to the first detector: how often a "
        "difference as large would come about by the choice of faults alone.",
    ),
    Term(
        "rank",
        "Mean rank",
        "The place by VUS-PR on each recording, 1 is best, averaged over recordings.",
        ("mean ranks",),
    ),
)
SIZES = (
    Term(
        "sigma",
        "Robust sigma",
        "1.4826 times the median distance of the healthy values of a channel from their median: "
        "the standard deviation, did outliers not count. A size in sigmas can be compared between "
        "channels.",
        ("robust sigmas", "in sigmas"),
    ),
    Term(
        "curve",
        "Detectability curve",
        "The probability that a fault is found, against its size, at the frozen threshold.",
        ("detectability curves", "detectability"),
    ),
    Term("a50", "a50", "The size of fault that is found with 50 % probability."),
    Term("a90", "a90", "The size of fault that is found with 90 % probability."),
    Term(
        "a90_95",
        "a90/95",
        "The size of fault that is found with 90 % probability, at 95 % confidence if the curve is "
        "logistic: the upper end of the interval of a90, as in MIL-HDBK-1823A.",
    ),
    Term(
        "not_reached",
        "Not reached",
        "No size tried is shown to be found 9 times in 10; how large they got stands beside.",
    ),
    Term(
        "not_proven",
        "Not proven",
        "a90 lies among the sizes tried, its upper limit beyond them.",
    ),
    Term(
        "all_found",
        "At most",
        "All sizes tried are found, so the true size may be smaller yet; where they are too few "
        "to prove 90 %, the cell says 'all found'.",
        ("all found",),
    ),
    Term("no_trend", "No trend", "Larger faults are not found more often, so there is no curve."),
    Term(
        "not_testable",
        "Not testable",
        "In too few windows can a fault be told from none: alerts begin there anyway.",
    ),
)
CAPTURE = (
    Term(
        "rejected",
        "Rejected frame",
        "A line that is no right frame: a wrong checksum, a missing field, a value that the "
        "sensor cannot say. It is kept in parser_errors.log with the reason.",
        ("rejected frames", "rejected", "frames rejected"),
    ),
    Term(
        "checksum",
        "Checksum error",
        "A frame whose checksum does not fit its bytes: bits were flipped on the way.",
        ("checksum errors",),
    ),
    Term(
        "lost",
        "Lost frame",
        "A number that the device's own counter skipped. Without a counter in the frame a lost "
        "one is not seen.",
        ("lost frames", "frames lost"),
    ),
    Term(
        "gap",
        "Gap",
        "A step from one reading to the next that is longer than 10 median steps.",
        ("gaps",),
    ),
    Term(
        "jitter",
        "Jitter",
        "How unsteadily readings come: the 95th less the 5th percentile of the step from one to "
        "the next, as a share of the median step; gaps are left out. A range of quantiles, as "
        "RFC 5481 takes for packets, so that one late frame does not decide. By the device's "
        "clock where frames carry one, else by the time at which the host read them.",
    ),
    Term(
        "missing",
        "Missing value",
        "A channel that an accepted frame says nothing of.",
        ("missing values",),
    ),
)
SECTIONS = (
    ("How the test is made", TRIAL),
    ("What counts as found", FINDING),
    ("How small a fault is found", SIZES),
    ("How a recording was captured", CAPTURE),
)

NOT_LINKED = frozenset({"fit", "test", "missing", "at most", "score", "p", "fault", "cell"})
"""Names that are common words as well: the other forms of their terms are linked."""


def definitions() -> list[dict[str, Any]]:
    """Return what each word of the page means, by section."""
    groups: list[tuple[str, Sequence[Term | Measure]]] = [*SECTIONS, ("The measures", MEASURES)]
    return [
        {
            "title": title,
            "terms": [
                {"anchor": one.anchor, "name": one.name, "meaning": one.meaning} for one in group
            ],
        }
        for title, group in groups
    ]


def _forms() -> Iterator[tuple[str, str]]:
    """Yield each form of a word, in lower case, and the anchor of its definition."""
    for measure in MEASURES:
        yield measure.name.lower(), measure.anchor
    for _, terms in SECTIONS:
        for term in terms:
            forms = {form.lower() for form in (term.name, *term.words)}
            yield from ((form, term.anchor) for form in forms - NOT_LINKED)


@cache
def _finder() -> tuple[re.Pattern[str], dict[str, str]]:
    anchors = dict(_forms())
    # The longest first, so that "false alarms a day" is not taken for "false alarms".
    words = "|".join(re.escape(form) for form in sorted(anchors, key=len, reverse=True))
    return re.compile(rf"(?<![\w/.-])({words})(?![\w/-])", re.IGNORECASE), anchors


def linked(text: str) -> Markup:
    """Return *text*, escaped, with a link from the first use of each word to its definition.

    >>> print(linked("<b>: a50, then a50 again"))
    &lt;b&gt;: <a class="term" href="#means-a50">a50</a>, then a50 again
    """
    pattern, anchors = _finder()
    seen: set[str] = set()
    parts = [Markup()]
    at = 0
    for found in pattern.finditer(text):
        anchor = anchors[found[0].lower()]
        if anchor in seen:
            continue
        seen.add(anchor)
        parts += [
            escape(visible(text[at : found.start()])),
            Markup('<a class="term" href="#{}">{}</a>').format(anchor, found[0]),
        ]
        at = found.end()
    return Markup().join([*parts, escape(visible(text[at:]))])
