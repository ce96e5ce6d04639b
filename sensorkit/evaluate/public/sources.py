"""Which protocol a public data set has, and where its series come from."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sensorkit import datasets
from sensorkit.datasets.series import Series
from sensorkit.errors import UsageError
from sensorkit.evaluate.public import generated
from sensorkit.evaluate.public.asnx import Asnx
from sensorkit.evaluate.public.cmapss import Cmapss
from sensorkit.evaluate.public.debruijn import DeBruijn
from sensorkit.evaluate.public.nab import Nab
from sensorkit.evaluate.public.protocol import Protocol
from sensorkit.evaluate.public.sensors import Gecco, Suthaharan
from sensorkit.evaluate.public.skab import Skab
from sensorkit.evaluate.public.telemetry import SmapMsl
from sensorkit.evaluate.public.tsb_ad import TsbAd
from sensorkit.evaluate.public.ucr import Ucr
from sensorkit.nearest import did_you_mean

GENERATED = "generated"


class Generated(TsbAd):
    """A small seeded set in the layout of TSB-AD, for trying things out without any data."""

    name = GENERATED
    title = "Generated series in the layout of TSB-AD"
    comparable = ""
    warnings = ("Made on the fly to try things out: figures on it say nothing of real devices.",)


PROTOCOLS: dict[str, type[Protocol]] = {
    one.name: one
    for one in (
        Nab, Skab, Ucr, SmapMsl, DeBruijn, Asnx, Cmapss, Suthaharan, Gecco, TsbAd, Generated
    )
}  # fmt: skip
"""By the name of the data set."""


def names() -> list[str]:
    """Return the sets that there is a protocol for.

    >>> {"nab", "skab", "generated"} <= set(names())
    True
    """
    return list(PROTOCOLS)


def protocol(name: str) -> Protocol:
    """Return the protocol of the set *name*.

    Raises
    ------
    UsageError
        If there is none; the nearest name is told.
    """
    if name not in PROTOCOLS:
        raise UsageError(f"no protocol for a data set {name!r}; {did_you_mean(name, PROTOCOLS)}")
    return PROTOCOLS[name]()


def series_of(
    one: Protocol, folder: Path | str | None, limit: int | None, seed: int
) -> tuple[list[Series], list[str]]:
    """Return the series that a protocol is to be run on, and what is to be said of them.

    Raises
    ------
    UsageError
        If the set is not here.
    """
    wanted = limit if one.series_are_cases else None
    if one.name == GENERATED:
        with tempfile.TemporaryDirectory(prefix="sensorkit-") as made:
            place = Path(folder) if folder else Path(made)
            generated.write(place, seed=seed)
            series = list(datasets.load("tsb_ad", place, limit=wanted))
    else:
        place = Path(folder) if folder else datasets.path(one.name)
        series = list(datasets.load(one.name, place, limit=wanted))
    notes = dict.fromkeys(note for each in series for note in each.notes)
    return series, _few(list(notes))


def _few(notes: list[str], most: int = 5) -> list[str]:
    if len(notes) <= most:
        return notes
    return [*notes[:most], f"{len(notes) - most} further notes on single series."]
