"""What a run was required to find: looked at before it runs, judged when it has."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sensorkit.errors import UsageError
from sensorkit.evaluate.requirement import (
    BEST,
    METRICS,
    Requirement,
    dimension_of,
    is_size,
    parsed,
)
from sensorkit.evaluate.settings import DetectabilityGrid
from sensorkit.evaluate.words import listed
from sensorkit.nearest import unknown

Report = Mapping[str, Any]
Row = Mapping[str, Any]


def look_at(
    requirements: Sequence[Requirement],
    *,
    detectors: Collection[str],
    kinds: Collection[str],
    units: Mapping[str, Collection[str]],
    detectability: DetectabilityGrid | None,
) -> None:
    """Raise if a requirement asks for what a run will not find out.

    Parameters
    ----------
    requirements : sequence of Requirement
    detectors : collection of str
        Of the table that will be made.
    kinds : collection of str
        Of the faults that detectors will be tried on.
    units : mapping of str to collection of str
        Channel -> its units, over all devices.
    detectability : DetectabilityGrid or None
        None: the smallest faults will not be measured.

    Raises
    ------
    UsageError
        With the nearest name that there is.
    """
    for one in requirements:
        what = f"requirement {one.text!r}"
        if one.detector == BEST and BEST in detectors:
            raise UsageError(
                f"{what}: {BEST!r} stands for the recommended detector, and one of yours is "
                "called so; give it another name"
            )
        if one.detector != BEST and one.detector not in detectors:
            raise UsageError(f"{what}: {unknown('detector', one.detector, [*detectors, BEST])}")
        if is_size(one.metric):
            _look_at_size(one, what, units, detectability)
        elif one.kind is not None and one.kind not in kinds:
            raise UsageError(f"{what}: {unknown('kind of fault in this run', one.kind, kinds)}")


def _look_at_size(
    one: Requirement,
    what: str,
    units: Mapping[str, Collection[str]],
    grid: DetectabilityGrid | None,
) -> None:
    if grid is None:
        raise UsageError(
            f"{what}: this run measures no smallest faults, so there will be no {one.metric}; set "
            "detectability, or leave --quick out"
        )
    if one.kind not in grid.kinds:
        raise UsageError(f"{what}: {unknown('kind in detectability', str(one.kind), grid.kinds)}")
    tried = grid.channels or tuple(units)
    if one.channel is not None and one.channel not in tried:
        raise UsageError(f"{what}: {unknown('channel', one.channel, tried)}")
    found = {unit for name in tried for unit in units.get(name, ())}
    if one.channel is None and len(found) > 1 and dimension_of(one.metric, one.kind) == "channel":
        name = f"{one.detector}.{one.metric}.{one.kind}"
        raise UsageError(
            f"{what}: the channels have different units ({listed(sorted(found))}), and one number "
            f"cannot be a limit for all; name one, as {name}.{tried[0]}, or use "
            f"{one.metric}_sigma"
        )


@dataclass(frozen=True)
class _Found:
    """A figure of a report, and where it comes from."""

    value: float | None = None
    ci: Sequence[float | None] | None = None
    unit: str = ""
    where: str = ""
    """Recording or channel, where there are several and this one decides."""
    note: str = ""
    """Why there is no figure, or what kind of figure it is."""
    proven: bool = False
    """It is the end of its own interval, so that a limit above it was shown to be kept."""
    bound: bool = False
    """The figure is at most this large, and may be smaller."""


def judge(report: Report, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return `requirements` of report.json: what was wanted of each figure and what it is.

    A figure that there is not meets nothing. `shown` is whether the whole 95 % interval keeps the
    limit; None where the figure has no interval.

    Parameters
    ----------
    report : mapping
        As report.json; `requirements` and `run` are not looked at.
    texts : sequence of str

    Raises
    ------
    UsageError
        If one cannot be read.
    """
    return [_judged(report, one) for one in parsed(texts)]


def _judged(report: Report, one: Requirement) -> dict[str, Any]:
    name: str | None = one.detector if one.detector != BEST else report["verdict"]["detector"]
    if name is None:
        found = _Found(note="no detector can be recommended")
    else:
        found = _figure(report, one, name)
    met = one.met_by(found.value) and not (found.bound and one.at_least)
    return {
        "text": one.text,
        "detector": name,
        "metric": one.metric,
        "kind": one.kind,
        "channel": one.channel,
        "operator": one.operator,
        "limit": one.limit,
        "value": found.value,
        "ci": None if found.ci is None else list(found.ci),
        "unit": found.unit,
        "where": found.where,
        "note": found.note,
        "met": met,
        "shown": _shown(one, found, met),
    }


def _shown(one: Requirement, found: _Found, met: bool) -> bool | None:
    if not met:
        return False
    if found.proven:
        return None if one.at_least else True
    if found.ci is None:
        return None
    return one.met_by(found.ci[0 if one.at_least else 1])


def _figure(report: Report, one: Requirement, name: str) -> _Found:
    if is_size(one.metric):
        return _size(report, one, name)
    if METRICS[one.metric] == "microseconds":
        rows = [row for row in report["detectors"] if row["name"] == name]
        value = rows[0][one.metric] if rows else None
        return _Found(value, note="" if value is not None else "it did not finish")
    ranked = next((row for row in report["ranking"] if row["detector"] == name), None)
    if ranked is None:
        return _Found(note="it is not among the detectors of this run")
    if ranked["failed"]:
        return _Found(note=str(ranked["note"] or "it did not finish"))
    if one.kind is None and one.metric in ranked:
        value = ranked[one.metric]
        return _Found(value, ranked[f"{one.metric}_ci"], note=_missing(one, value))
    rows = [
        row
        for row in report["results"]
        if row["detector"] == name and row["fault_kind"] == one.kind and row["faults"]
    ]
    return _worst(rows, one)


def _worst(rows: Sequence[Row], one: Requirement) -> _Found:
    """Return the figure of the recording on which it is worst: each has to meet a requirement."""
    if not rows:
        return _Found(note="no such fault was tried")
    without = [row for row in rows if row[one.metric] is None]
    if without:
        on = f" on {without[0]['recording']}" if len(rows) > 1 else ""
        return _Found(note=f"{_missing(one, None)}{on}")
    worst = (min if one.at_least else max)(rows, key=lambda row: row[one.metric])
    where = f"{worst['recording']}, the worst of {len(rows)}" if len(rows) > 1 else ""
    return _Found(worst[one.metric], worst[f"{one.metric}_ci"], where=where)


def _missing(one: Requirement, value: float | None) -> str:
    if value is not None:
        return ""
    return "not reached" if one.metric == "delay_median_s" else "not defined"


def _size(report: Report, one: Requirement, name: str) -> _Found:
    """Return a size of the detectability curves: that of the hardest channel and recording."""
    entries = [
        entry
        for entry in report["detectability"]
        if entry["detector"] == name
        and entry["kind"] == one.kind
        and one.channel in (None, entry["channel"])
    ]
    if not entries:
        return _Found(note="not measured")
    without = [entry for entry in entries if _size_of(entry, one.metric)[0] is None]
    if without:
        on = f" on {_place(without[0], entries)}" if len(entries) > 1 else ""
        return _Found(unit=_unit(one, without[0]), note=f"{_why(without[0])}{on}")
    hardest = hardest_of(entries, one.metric)
    if len(hardest) > 1:
        return _Found(note="the channels have different units; name one")
    value, bound = _size_of(hardest[0], one.metric)
    base = one.metric.removesuffix("_sigma")
    several = len(entries) > 1
    return _Found(
        value,
        None if bound or base == "a90_95" else _interval(hardest[0], base, one.metric),
        unit=_unit(one, hardest[0]),
        where=f"{_place(hardest[0], entries)}, the hardest of {len(entries)}" if several else "",
        note="at most: faults of all sizes tried were found" if bound else "",
        proven=bound or base == "a90_95",
        bound=bound,
    )


def hardest_of(entries: Sequence[Row], metric: str = "a90_95") -> list[Row]:
    """Return the entry with the largest size; one for each unit where sizes do not compare.

    In robust sigmas where all have them, as in the verdict. Entries have a size each.
    """
    base = metric.removesuffix("_sigma")
    in_sigmas = [_size_of(entry, f"{base}_sigma")[0] for entry in entries]
    if None not in in_sigmas:
        return [entries[max(range(len(entries)), key=lambda i: in_sigmas[i] or 0.0)]]
    units = dict.fromkeys(entry["unit"] for entry in entries)
    return [
        max(
            (entry for entry in entries if entry["unit"] == unit),
            key=lambda entry: _size_of(entry, base)[0] or 0.0,
        )
        for unit in units
    ]


def _size_of(entry: Row, metric: str) -> tuple[float | None, bool]:
    """Return a size, and whether it is only a bound: where all faults were found there is one."""
    if entry["status"] not in {"ok", "all_found"}:
        return None, False
    if entry["status"] == "all_found":
        end = "_sigma" if metric.endswith("_sigma") else ""
        return entry[f"a90_95{end}"], True
    return entry[metric], False


def _interval(entry: Row, base: str, metric: str) -> list[float | None]:
    by = entry["sigma"] if metric.endswith("_sigma") else 1.0
    return [None if bound is None else bound / by for bound in entry[f"{base}_ci"]]


def _why(entry: Row) -> str:
    match entry["status"]:
        case "ok":
            return "not proven at any size tried"
        case "all_found":
            return "all found, but too few to prove it"
        case "not_testable":
            return "could not be tried"
        case status:
            return str(status).replace("_", " ")


def _place(entry: Row, entries: Sequence[Row]) -> str:
    parts = [str(entry["channel"])] if entry["channel"] is not None else []
    parts += [
        str(entry[key]) for key in ("device", "recording") if len({e[key] for e in entries}) > 1
    ]
    return ", ".join(parts)


def _unit(one: Requirement, entry: Row) -> str:
    return "sigma" if METRICS[one.metric] == "sigma" else str(entry["unit"] or "")


def unmet(rows: Sequence[Row]) -> list[Row]:
    """Return the judged requirements that fell short."""
    return [row for row in rows if not row["met"]]
