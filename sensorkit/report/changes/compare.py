"""What changed from one run to another of the same data, as numbers and as a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sensorkit.evaluate.figures import choosing
from sensorkit.evaluate.words import listed
from sensorkit.report.changes.change import ALIKE, BETTER, NOT_COMPARED, SAME, WORSE, Change
from sensorkit.report.changes.changed_figures import changes_of
from sensorkit.report.changes.compare_page import cell
from sensorkit.report.changes.two_runs import Side, TwoRuns, data_of, only_in

DIFFERENT = "different data: not comparable"

UNTOLD = ("memory_mb", "timeout_s", "resamples", "confidence", "detectors", "vus_variant")
"""Settings that no figure depends on, or that are told elsewhere."""

Row = dict[str, Any]


def compare(base: Path, run: Path) -> dict[str, Any]:
    """Compare two runs.

    Parameters
    ----------
    base, run : Path
        Folders of runs, the earlier one first.

    Returns
    -------
    dict
        As `compare_sides` has it.

    Raises
    ------
    UsageError
        If one of them is a run of a public benchmark, did not pass, or is of another version.
    """
    return compare_sides(Side.read(base), Side.read(run))


def compare_sides(before: Side, after: Side) -> dict[str, Any]:
    """Compare two runs that have been read.

    Returns
    -------
    dict
        Ready for JSON: `base` and `run` (what each is), `comparable`, `sentence`; `data` (the
        recordings that only one of them has); `detectors` (each that both have, best first, with
        `figures`, one `Change` each); `came` and `went`; `settings`, `provenance` and
        `parameters` that changed, each with `name`, `before` and `after`. Without the same data
        there are no `detectors`.
    """
    same = data_of(before.report) == data_of(after.report)
    found: dict[str, Any] = {
        "base": _described(before),
        "run": _described(after),
        "comparable": same,
        "data": {
            "only_in_base": only_in(before.report, after.report),
            "only_in_run": only_in(after.report, before.report),
            "recordings": len(after.report["recordings"]),
        },
        "detectors": [],
        "came": [name for name in after.detectors if name not in before.detectors],
        "went": [name for name in before.detectors if name not in after.detectors],
        "settings": _settings(before, after),
        "parameters": _parameters(before, after),
        "provenance": _provenance(before, after),
    }
    if same:
        two = TwoRuns(before, after)
        found["detectors"] = [_detector(two, name) for name in _both(before, after)]
    return found | {"sentence": _sentence(found)}


def worse(comparison: Mapping[str, Any]) -> list[str]:
    """Return what is worse beyond chance, of the detectors that either run recommends.

    One that the base recommends and that is gone or failed counts as worse, too.
    """
    found = []
    for name in _watched(comparison):
        mine = _of(comparison, name)
        if mine is None:
            found += [f"{name} is gone"] if name in comparison["went"] else []
            continue
        if mine["failed_now"]:
            found.append(f"{name} {mine['failed_now']}")
        found += [f"{name}: {_lower(f['name'])}" for f in mine["figures"] if f["word"] == WORSE]
    return found


def _watched(comparison: Mapping[str, Any]) -> list[str]:
    """Return the detectors that a user of either run runs."""
    names = (comparison[side]["chosen"] for side in ("run", "base"))
    return [name for name in dict.fromkeys(names) if name is not None]


def _of(comparison: Mapping[str, Any], name: str) -> Row | None:
    rows = (row for row in comparison["detectors"] if row["detector"] == name)
    return next(rows, None)


def _both(before: Side, after: Side) -> Iterator[str]:
    return (name for name in after.detectors if name in before.detectors)


def _described(side: Side) -> Row:
    run, verdict = side.report["run"], side.report["verdict"]
    row = choosing.chosen(side.report)
    return {
        "id": run["id"],
        "created_at": run["created_at"],
        "command": run["command"],
        "git_commit": run["git_commit"],
        "git_dirty": run["git_dirty"],
        "recommended": verdict["detector"],
        "chosen": row["detector"] if row else None,
        "recordings": [recording["name"] for recording in side.report["recordings"]],
        "data": data_of(side.report),
    }


def _detector(two: TwoRuns, name: str) -> Row:
    now, then = two.after.rank(name), two.before.rank(name)
    changes = changes_of(two, name)
    return {
        "detector": name,
        "baseline": now["baseline"],
        "failed_now": (now["note"] or "failed") if now["failed"] and not then["failed"] else "",
        "word": overall([change.word for change in changes]),
        "figures": [asdict(change) for change in changes],
    }


def overall(words: Sequence[str]) -> str:
    """Return what the words of several figures come to; a mixed one is both.

    >>> overall([SAME, SAME, NOT_COMPARED]), overall([SAME, ALIKE, WORSE]), overall([BETTER, WORSE])
    ('the same to the last digit', 'worse', 'better and worse')
    """
    said = [word for word in (BETTER, WORSE) if word in words]
    if said:
        return " and ".join(said)
    return next((word for word in (ALIKE, SAME) if word in words), NOT_COMPARED)


def _settings(before: Side, after: Side) -> list[Row]:
    one, other = (
        {k: v for k, v in side.report["settings"].items() if k not in UNTOLD}
        for side in (before, after)
    )
    return _different(_flat(one), _flat(other))


def _parameters(before: Side, after: Side) -> list[Row]:
    one, other = (
        _flat({name: side.detector(name)["parameters"] for name in _both(before, after)})
        for side in (before, after)
    )
    return _different(one, other)


def _provenance(before: Side, after: Side) -> list[Row]:
    sides = []
    for side in (before, after):
        run = side.report["run"]
        commit = (run["git_commit"] or "none")[:12]
        sides.append(
            {"commit": f"{commit}{', changed' if run['git_dirty'] else ''}"}
            | {f"{name} (version)": version for name, version in run["versions"].items()}
            | {f"machine: {name}": value for name, value in run["machine"].items()}
        )
    return _different(*sides)


def _different(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Row]:
    return [
        {"name": name, "before": one.get(name), "after": other.get(name)}
        for name in {**one, **other}
        if one.get(name) != other.get(name)  # None is as good as not there
    ]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings under names with dots, as `--set` takes them.

    >>> _flat({"a": {"b": 1, "c": [2]}, "d": 3})
    {'a.b': 1, 'a.c': [2], 'd': 3}
    """
    found: dict[str, Any] = {}
    for key, value in values.items():
        nested = isinstance(value, Mapping) and bool(value)
        found |= _flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return found


def _sentence(found: Mapping[str, Any]) -> str:
    if not found["comparable"]:
        return f"{DIFFERENT[0].upper()}{DIFFERENT[1:]}. {_data_said(found['data'])}"
    said = [_recommended(found["base"]["recommended"], found["run"]["recommended"])]
    said += [_said_of(found, name) for name in _watched(found)]
    watched = _watched(found)
    others = [row for row in found["detectors"] if row["detector"] not in watched]
    said.append(_said_of_others([row for row in others if not row["baseline"]]))
    if found["settings"] or found["parameters"]:
        names = [row["name"] for row in (*found["settings"], *found["parameters"])]
        shown = listed(names[:4]) if len(names) < 5 else f"{len(names)} settings"
        said.append(f"What was asked for differs, too: {shown}.")
    return " ".join(part for part in said if part)


def _data_said(data: Mapping[str, Any]) -> str:
    said = []
    for key, where in (("only_in_base", "base"), ("only_in_run", "run")):
        names = [f"{r['name']} (data {r['data_sha256'][:12]})" for r in data[key]]
        more = [f"{len(names) - 3} more"] if len(names) > 4 else []
        shown = names if not more else [*names[:3], *more]
        said += [f"Only the {where} has {listed(shown)}."] if names else []
    return " ".join(said)


def _recommended(before: str | None, after: str | None) -> str:
    if before == after:
        return ""
    if before is None:
        return f"{after} is recommended now; before, none was."
    if after is None:
        return f"{before} was recommended; now none is."
    return f"The recommendation changed from {before} to {after}."


def _said_of(found: Mapping[str, Any], name: str) -> str:
    row = _of(found, name)
    if row is None:
        when = "now" if name in found["came"] else "in the base"
        return f"{name} was only tried {when}."
    if row["failed_now"]:
        return f"{name} {row['failed_now']}."
    figures = row["figures"]
    words = {figure["word"] for figure in figures} - {NOT_COMPARED}
    if words == {SAME}:
        return f"{name}: every figure is the same to the last digit, the time aside."
    parts = []
    for word in (WORSE, BETTER, ALIKE, SAME):
        said = [_with_values(figure) for figure in figures if figure["word"] == word]
        parts += [f"{listed(said)} {word}"] if said else []
    return f"{name}: {'; '.join(parts)}." if parts else f"{name}: nothing could be compared."


def _with_values(figure: Mapping[str, Any]) -> str:
    """Return a figure by name, with what it was and is where that is told apart."""
    name = _lower(figure["name"])
    if figure["word"] not in (WORSE, BETTER):
        return name
    said = cell(figure)
    return f"{name} (was {said['was']}, is {said['now']})"


def _lower(name: str) -> str:
    return name if name.startswith("VUS") else f"{name[0].lower()}{name[1:]}"


def _said_of_others(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    if all(row["word"] == SAME for row in rows):
        return (
            f"The other {len(rows)}: the same."
            if len(rows) > 1
            else f"{rows[0]['detector']}: the same."
        )
    parts = []
    for word in (WORSE, BETTER):
        names = [row["detector"] for row in rows if word in row["word"].split(" and ")]
        are = "is" if len(names) == 1 else "are"
        parts += [f"{listed(names)} {are} {word} in some figure"] if names else []
    return f"Of the others, {', '.join(parts)}." if parts else "The others cannot be told apart."


__all__ = ["DIFFERENT", "Change", "compare", "compare_sides", "overall", "worse"]
