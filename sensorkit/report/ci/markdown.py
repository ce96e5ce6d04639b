"""summary.md: a run in short, for a pull request or the summary of a CI job.

What a device or a user named is written so that it is text wherever Markdown is rendered: no
table cell, link, mention, heading or HTML can begin in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sensorkit.display.formats import NONE, day_and_minute, visible
from sensorkit.report import tables
from sensorkit.report.shortened import cut
from sensorkit.report.verdict import requirement_words as words
from sensorkit.report.verdict.headline import headline

Facts = Mapping[str, Any]

LONGEST = 500
"""Characters of a name or a cell."""

LONGEST_SENTENCE = 4000
"""Of the verdict and of a reason."""

ROWS = 30
"""Of a table; report.html has all."""

PLAIN = re.compile(r"[A-Za-z0-9](?:[\w.=<>-]*[A-Za-z0-9])?", re.ASCII)
"""What stands in a code span as it is: it has no back-tick, bar or blank."""

MARKUP = r"[\\`*\[\]<>|]|(?<![^\W_])_|_(?![^\W_])"
REFERENCES = r"[~&@#$]|!(?=\w)|%(?=[\w\"])|:(?=//)|(?<=www)\.|(?<=GH)-"
ACTS = re.compile(f"(?P<markup>{MARKUP})|{REFERENCES}", re.IGNORECASE)
"""What Markdown could take for markup, and GitHub and GitLab for mentions, issues or addresses."""


def text(value: object, longest: int = LONGEST) -> str:
    r"""Return *value* as Markdown that shows it and does nothing else.

    >>> text("a|b [x](javascript:y)")
    'a&#124;b &#91;x&#93;(javascript:y)'
    >>> text("@everyone\n# now")
    '&#64;&#8203;everyone &#35;&#8203; now'
    """
    said = " ".join(visible(cut(str(value), longest)).split())
    return ACTS.sub(_harmless, said)


def _harmless(found: re.Match[str]) -> str:
    entity = f"&#{ord(found[0])};"
    # References are looked for in the text that a reader sees: there a space without width keeps
    # the sign from what follows.
    return entity if found["markup"] else f"{entity}&#8203;"


def name(value: object) -> str:
    """Return a name as code where that is safe, else as `text` does.

    >>> name("guard.event_recall"), name("a|b")
    ('`guard.event_recall`', 'a&#124;b')
    """
    said = str(value)
    return f"`{said}`" if len(said) <= LONGEST and PLAIN.fullmatch(said) else text(said)


def _sentence(value: object) -> str:
    return text(value, LONGEST_SENTENCE)


def summary(run: Facts, report: Facts | None, changes: Facts | None = None) -> str:
    """Return a run in Markdown: verdict, main numbers, requirements, detectors.

    Parameters
    ----------
    run : mapping
        As run.json.
    report : mapping or None
        As report.json; None where the run did not come so far.
    changes : mapping, optional
        As `sensorkit.report.changes.history.changes` returns it.
    """
    if report is None:
        parts = _failed(run)
    else:
        parts = [*_verdict(report), *_changed(changes), *_detectors(report)]
    return "\n".join([*parts, _footer(run)]) + "\n"


def _failed(run: Facts) -> list[str]:
    reason = _sentence(run.get("reason") or "no reason was noted")
    if run.get("status") == "passed":  # a public benchmark, which has a verdict of its own
        verdict = run.get("summary", {}).get("verdict", "")
        return [
            f"## sensorkit: {text(run.get('dataset', ''))}",
            "",
            f"Verdict: {_sentence(verdict)}",
            "",
        ]
    notebooks = [
        f"- {text(n['name'])}: {text(n['status'])}"
        for n in run.get("notebooks", [])
        if n["status"] != "passed"
    ]
    status = text(run.get("status", "failed"))
    return [f"## ✗ sensorkit: the run {status}", "", f"Reason: {reason}", "", *notebooks, ""]


def _verdict(report: Facts) -> Iterator[str]:
    found = headline(report)
    mark, about = text(found["mark"]), text(tables.heading(report))
    sentence = _sentence(" ".join(found["sentences"]).strip())
    yield from (f"## {mark}", "", f"On {about}: {sentence}", "")
    if found["tiles"]:
        yield from table(
            [tile["label"] for tile in found["tiles"]],
            [["; ".join(_line(line) for line in tile["lines"]) for tile in found["tiles"]]],
        )
        whose = text(found["tiles_of"])
        yield from ("", f"{whose}, at its frozen threshold; in brackets the 95 % interval.", "")
    if found["requirements"]:
        yield from (f"### {text(found['requirements']['sentence'])}", "")
        rows = [
            (
                name(words.title(row)),
                text(words.wanted(row)),
                text(f"{words.had(row)} {words.in_brackets(row['where'])}"),
                text(words.range_of(row) or NONE),
                text(words.outcome(row)),
            )
            for row in report["requirements"]
        ]
        yield from table(("Required", "Wanted", "Had", "95 % interval", "Outcome"), rows)
        yield ""
    yield from (f"- {_sentence(warning)}" for warning in found["warnings"])
    yield ""


def _changed(changes: Facts | None) -> Iterator[str]:
    """Yield what changed since the base run, where there is one."""
    if changes is None:
        return
    base = f" (run {name(changes['base'])})" if changes["base"] else ""
    yield from ("### Since the base run", "", f"Against {text(changes['created'])}{base}: ")
    yield from (_sentence(changes["sentence"]), "")


def _line(line: Facts) -> str:
    """Return a line of a tile."""
    kind = f"{text(line['name'])} " if "name" in line else ""
    rest = " ".join(text(part) for part in (line["range"], line.get("detail", "")) if part)
    return f"{kind}**{text(line['value'])}** {rest}".strip()


def _detectors(report: Facts) -> Iterator[str]:
    yield from ("### Detectors", "")
    columns = ("Detector", "Group", "VUS-PR", "Faults found", "False alarms a day", "Median delay")
    yield from table(
        columns,
        [
            [
                name(row["detector"]),
                text(row["group"]),
                *(_figure(row["cells"][place]) for place in (0, 3, 4, 6)),
            ]
            for row in tables.ranking(report)
            if not row["baseline"]
        ],
    )
    yield ""


def _figure(cell: Mapping[str, str]) -> str:
    return text(f"{cell['value']} {cell['range']}".strip())


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; the cells are Markdown already."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    yield from (f"| {' | '.join(row)} |" for row in rows[:ROWS])
    if len(rows) > ROWS:
        yield from ("", f"The first {ROWS} of {len(rows)}; report.html has all.")


def _footer(run: Facts) -> str:
    commit = str(run.get("git_commit") or "")[:7]
    created = str(run.get("created_at") or "")
    changed = ", with changes" if run.get("git_dirty") else ""
    parts = [
        f"Run {name(run.get('id', ''))}",
        text(day_and_minute(created)) if created else "",
        f"commit {name(commit)}{changed}" if commit else "",
        f"by {text(run.get('command', ''))}",
    ]
    return " · ".join(part for part in parts if part)
