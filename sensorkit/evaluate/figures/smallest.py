"""The smallest faults that are found: the table, and what stands behind each cell of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import pandas as pd

from sensorkit.display.formats import (
    NONE,
    count,
    number,
    percent,
    probability,
    seconds,
    sized,
)
from sensorkit.evaluate.figures.choosing import ROWS_SHOWN, across_cut, best_across, rows_cut

Report = Mapping[str, Any]
Entry = Mapping[str, Any]
Place = tuple[str, str, str, str | None]
"""Recording, device, kind and channel: what the entries of a row or a figure share."""


def places_of(report: Report) -> dict[Place, dict[str, Entry]]:
    """Return the entries by place, and there by detector; both as they stand in the report."""
    found: dict[Place, dict[str, Entry]] = {}
    for entry in report["detectability"]:
        place = (entry["recording"], entry["device"], entry["kind"], entry["channel"])
        found.setdefault(place, {})[entry["detector"]] = entry
    return found


def _kind(place: Place) -> str:
    return place[2].replace("_", " ")


class Several(NamedTuple):
    """Of what there is more than one, so that a place must name it."""

    devices: bool
    recordings: bool

    @classmethod
    def of(cls, places: Iterable[Place]) -> Several:
        """Return what *places* has several of."""
        recordings, devices, *_ = zip(*places, strict=True) if places else ((), ())
        return cls(len(set(devices)) > 1, len(set(recordings)) > 1)


def _where(place: Place, several: Several) -> str:
    """Return channel, and device and recording where there are several."""
    recording, device, _, channel = place
    parts = [] if channel is None else [channel]
    parts += [device] if several.devices else []
    parts += [recording] if several.recordings else []
    return ", ".join(parts)


def said_place(place: Place, several: Several) -> str:
    """Return kind and channel in words; device and recording, too, where there are several."""
    where = _where(place, several)
    return f"{_kind(place)} on {where}" if where else _kind(place)


def smallest(report: Report) -> dict[str, Any] | None:
    """Return the table of a90/95, kinds and channels down, detectors across; None if not measured.

    In each row the smallest number is marked in words, and what has no number says why.
    """
    places = places_of(report)
    if not places:
        return None
    measured = {entry["detector"] for entry in report["detectability"]}
    ranked = [row for row in report["ranking"] if row["detector"] in measured]
    several = Several.of(places)
    every = [row["detector"] for row in ranked]
    names = best_across(every)
    return {
        "columns": [
            {"name": row["detector"], "baseline": row["baseline"]} for row in ranked[: len(names)]
        ],
        "rows": [
            {
                "kind": _kind(place),
                "where": _where(place, several),
                "cells": _row([entries.get(name) for name in names]),
            }
            for place, entries in islice(places.items(), ROWS_SHOWN)
        ],
        "without": _without(places, names),
        "numbers": _numbers(places),
        "repeats": max(entry["repeats"] for entry in report["detectability"]),
        "cut": rows_cut(len(places)) + across_cut(every),
        "numbers_cut": rows_cut(len(report["detectability"])),
    }


def smallest_frame(report: Report) -> pd.DataFrame:
    """Return the table as text: kind and channel down, detectors across; empty if not measured.

    Parameters
    ----------
    report : mapping
        report.json, or what `Evaluation.to_dict` returns.
    """
    table = smallest(report)
    if table is None:
        return pd.DataFrame()
    return pd.DataFrame(
        [[cell["value"] for cell in row["cells"]] for row in table["rows"]],
        index=pd.MultiIndex.from_tuples(
            [(row["kind"], row["where"]) for row in table["rows"]], names=["fault", "on"]
        ),
        columns=pd.Index([column["name"] for column in table["columns"]], name="detector"),
    )


def _row(entries: Sequence[Entry | None]) -> list[dict[str, Any]]:
    bounds = [entry["a90_95"] for entry in entries if entry and entry["a90_95"] is not None]
    least = min(bounds) if len(entries) > 1 and bounds else None
    return [
        outcome(entry)
        | {"best": entry is not None and least is not None and entry["a90_95"] == least}
        for entry in entries
    ]


def outcome(entry: Entry | None) -> dict[str, Any]:
    """Return what a cell says, the most important line first."""
    if entry is None:
        return {"value": NONE, "details": [], "number": False}
    unit = entry["unit"]
    sigmas = "" if entry["a90_95_sigma"] is None else f"{number(entry['a90_95_sigma'])} sigma"
    delay = entry["delay_at_a90_s"]
    after = "" if delay is None else f"after {seconds(delay)}" if delay else "at once"
    lasts = entry["duration_s"]
    # What it answers to may be the end of the fault, as the jump back of a drift.
    over = "when it was over" if delay and lasts is not None and delay >= lasts else ""
    up_to = f"up to {sized(entry['largest'], unit)}"
    match entry["status"]:
        case "ok" if entry["a90_95"] is not None:
            value, details = sized(entry["a90_95"], unit), [sigmas, after, over]
        case "ok":
            value, details = "not proven", [f"a90 {sized(entry['a90'], unit)}", up_to]
        case "all_found" if entry["a90_95"] is None:
            value, details = "all found", ["too few to prove"]
        case "all_found":
            value, details = f"at most {sized(entry['a90_95'], unit)}", [sigmas, after, over]
        case "not_reached":
            value, details = "not reached", [up_to]
        case status:
            value, details = status.replace("_", " "), []
    return {
        "value": value,
        "details": [text for text in details if text],
        "number": entry["a90_95"] is not None,
    }


def _without(
    places: Mapping[Place, Mapping[str, Entry]], names: Sequence[str]
) -> list[tuple[str, str, str, str]]:
    """Return who, outcome, where and why of what has no size, or a limit; each reason once."""
    several = Several.of(places)
    found: dict[tuple[str, str, str], list[str]] = {}
    for name in names:
        for place, entries in places.items():
            entry = entries.get(name)
            if entry is not None and entry["reason"] is not None:
                key = (name, entry["status"].replace("_", " "), entry["reason"])
                found.setdefault(key, []).append(said_place(place, several))
    who: dict[tuple[str, str, str], list[str]] = {}
    for (name, status, why), on in found.items():
        who.setdefault((status, "; ".join(on), why), []).append(name)
    rows = [(", ".join(some), *outcome) for outcome, some in who.items()]
    return rows[:ROWS_SHOWN]


NUMBERS = (
    *("Detector", "Fault", "a50", "a90", "a90/95", "In sigmas", "Delay at a90"),
    *("Lack of fit, p", "Alerts without a fault", "Excluded"),
)


def _numbers(places: Mapping[Place, Mapping[str, Entry]]) -> list[tuple[str, ...]]:
    several = Several.of(places)
    entries = ((place, name, entry) for place in places for name, entry in places[place].items())
    return [
        (
            name,
            said_place(place, several),
            _with_interval(entry, "a50"),
            _with_interval(entry, "a90"),
            sized(entry["a90_95"], entry["unit"]),
            number(entry["a90_95_sigma"]),
            seconds(entry["delay_at_a90_s"]),
            probability(entry["fit"]["deviance_p"] if entry["fit"] else None),
            percent(entry["chance"]),
            f"{count(sum(p['excluded'] for p in entry['points']))} of "
            f"{count(sum(p['excluded'] + p['faults'] for p in entry['points']))}",
        )
        for place, name, entry in islice(entries, ROWS_SHOWN)
    ]


def _with_interval(entry: Entry, name: str) -> str:
    """Return a size and its interval; an end that is missing lies beyond the sizes tried."""
    value = sized(entry[name], entry["unit"])
    bounds = entry[f"{name}_ci"]
    if bounds is None or entry[name] is None:
        return value
    low = "below" if bounds[0] is None else number(bounds[0])
    high = "beyond" if bounds[1] is None else number(bounds[1])
    return f"{value} [{low}, {high}]"
