r"""Affiliation precision and recall: how near flags and faults are, against chance.

Time is cut halfway between faults into one zone E for each fault J. Readings are intervals: a run
of ones from row a to row b is [a, b + 1), the recording is [0, n). Within a zone

- precision is the mean over the flagged time x of the probability that a random point of E lies
  farther from J than x does (1 inside J):

  .. math:: 1 - \frac{\min(d, m) + d + |J|}{|E|}, \qquad d = d(x, J) > 0

  with m the distance from J to the nearer end of E;
- recall is the mean over the faulty time y in J of the probability that a random point of E lies
  farther from y than the nearest flag in E does:

  .. math:: 1 - \frac{\min(d, m_y) + d}{|E|}, \qquad d = d(y, flags)

  with m_y the distance from y to the nearer end of E; 0 in a zone without a flag.

Precision is averaged over the zones with a flag, recall over all zones. The probabilities are
linear in pieces, so that the integrals are exact: O(n + k log k) for k ranges.

References
----------
A. Huet, J. M. Navarro and D. Rossi, "Local evaluation of time series anomaly detection
algorithms", KDD 2022, arXiv:2206.13167, and the package `affiliation` of its authors, which TSB-AD
and dtaianomaly carry.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sensorkit.evaluate.metrics.checks import labels_and_flags, some_fault
from sensorkit.runs import Runs, runs

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class AffiliationScores(NamedTuple):
    """How near flags and faults are; many flags at random reach an F1 of about 2/3."""

    precision: float
    """NaN where nothing was flagged."""
    recall: float
    f1: float


class _Zones(NamedTuple):
    edges: Floats  # (k + 1,): zone i is from edges[i] to edges[i + 1]
    first: Floats  # (k,): where the fault of the zone begins
    last: Floats  # (k,): and where it stops

    @property
    def length(self) -> Floats:
        return np.diff(self.edges)

    def at(self, place: Floats) -> Places:
        """Return the zone of each place; none lies on an edge."""
        return np.searchsorted(self.edges, place, side="right") - 1


class _Pieces(NamedTuple):
    begin: Floats
    end: Floats
    zone: Places


def affiliation(labels: ArrayLike, flags: ArrayLike) -> AffiliationScores:
    """Return affiliation precision, recall and their harmonic mean F1.

    Not to be ranked by: it separates little. A flag at random has the precision 0.5 by definition,
    and the nearest of many random flags is close to any fault, so that recall is near 1: noise
    that flags 5 % of the readings has an F1 of about 2/3, where the detectors of TSB-AD's
    leaderboards lie between 0.74 and 0.89. (With fewer flags recall is lower.) It is offered to
    compare with results published in it.

    Parameters
    ----------
    labels : array of 0/1 or bool, shape (n,)
        1 where a reading is faulty; consecutive ones are one fault.
    flags : array of 0/1 or bool, shape (n,)
        1 where a reading is flagged.

    Returns
    -------
    AffiliationScores
        Each in 0..1. Where nothing is flagged, precision is NaN, as in the source, recall and F1
        are 0. Where everything is labelled there is one zone, and precision is 1.

    Raises
    ------
    ValueError
        If the shapes differ, an entry is not 0 or 1, or nothing is labelled.

    Examples
    --------
    The zone is [0, 8), the fault [3, 5). The flags in it are worth 1, the one right after it 0.625
    and the one at the very begin of the zone 0.125.

    >>> affiliation([0, 0, 0, 1, 1, 0, 0, 0], [1, 0, 0, 1, 1, 1, 0, 0])
    AffiliationScores(precision=0.6875, recall=1.0, f1=0.8148148148148148)

    Five flags in a hundred, at random:

    >>> labels = np.arange(10_000) % 1000 >= 990
    >>> found = affiliation(labels, np.random.default_rng(0).random(10_000) < 0.05)
    >>> round(found.precision, 2), round(found.recall, 2), round(found.f1, 2)
    (0.49, 0.98, 0.65)
    """
    known, flagged = labels_and_flags(labels, flags)
    some_fault(known)
    faults = runs(known)
    first, last = faults.start.astype(np.float64), faults.stop.astype(np.float64)
    edges = np.concatenate([[0.0], (last[:-1] + first[1:]) / 2, [float(len(known))]])
    zones = _Zones(edges, first, last)
    pieces = _cut(runs(flagged), zones)
    if not len(pieces.zone):
        return AffiliationScores(math.nan, 0.0, 0.0)
    precision, recall = _precision(pieces, zones), _recall(pieces, zones)
    together = precision + recall
    f1 = 2 * precision * recall / together if together > 0 else 0.0
    return AffiliationScores(precision, recall, f1)


def _cut(flags: Runs, zones: _Zones) -> _Pieces:
    """Cut the flagged runs at the edges of the zones."""
    begin, end = flags.start.astype(np.float64), flags.stop.astype(np.float64)
    inner = zones.edges[1:-1]
    run = np.searchsorted(begin, inner, side="right") - 1
    cuts = (
        inner[(run >= 0) & (inner > begin[run]) & (inner < end[run])] if len(begin) else inner[:0]
    )
    begin, end = np.sort(np.append(begin, cuts)), np.sort(np.append(end, cuts))
    return _Pieces(begin, end, zones.at((begin + end) / 2))


def _precision(pieces: _Pieces, zones: _Zones) -> float:
    nearer = np.minimum(zones.first - zones.edges[:-1], zones.edges[1:] - zones.last)
    places, middle = _between(
        pieces.begin, pieces.end, zones.first, zones.last, zones.first - nearer, zones.last + nearer
    )
    zone = zones.at(middle)
    owner = np.searchsorted(pieces.begin, middle, side="right") - 1
    flagged = (owner >= 0) & (middle < pieces.end[owner])
    inside = (middle > zones.first[zone]) & (middle < zones.last[zone])

    def farther(place: Floats) -> Floats:
        """Return the probability that a random point of the zone is farther from the fault."""
        d = np.maximum(np.maximum(zones.first[zone] - place, place - zones.last[zone]), 0.0)
        taken = np.minimum(d, nearer[zone]) + d + (zones.last - zones.first)[zone]
        return np.where(inside, 1.0, 1.0 - taken / zones.length[zone])

    integral = _sum(_trapezoids(places, farther), flagged, zone, len(zones.first))
    length = _sum(np.diff(places), flagged, zone, len(zones.first))
    some = length > 0
    return float(np.mean(integral[some] / length[some]))


def _recall(pieces: _Pieces, zones: _Zones) -> float:
    left, right = zones.edges[:-1], zones.edges[1:]
    # Where the nearest flag changes, and where min(d, m_y) turns from one to the other. In the
    # middle of the zone, where m_y turns, d is smaller: a flag reaches into the zone.
    places, middle = _between(
        zones.first,
        zones.last,
        pieces.begin,
        pieces.end,
        (pieces.end[:-1] + pieces.begin[1:]) / 2,
        (left[pieces.zone] + pieces.begin) / 2,
        (right[pieces.zone] + pieces.end) / 2,
    )
    zone = zones.at(middle)
    faulty = (middle > zones.first[zone]) & (middle < zones.last[zone])
    before = np.searchsorted(pieces.begin, middle, side="right") - 1
    after = np.minimum(before + 1, len(pieces.zone) - 1)
    left_flag = np.where((before >= 0) & (pieces.zone[before] == zone), pieces.end[before], -np.inf)
    right_flag = np.where(
        (after > before) & (pieces.zone[after] == zone), pieces.begin[after], np.inf
    )
    reachable = np.isfinite(left_flag) | np.isfinite(right_flag)

    def farther(place: Floats) -> Floats:
        """Return the probability that a random point is farther than the nearest flag."""
        d = np.minimum(np.maximum(place - left_flag, 0.0), right_flag - place)
        taken = np.minimum(d, np.minimum(place - left[zone], right[zone] - place)) + d
        return 1.0 - taken / zones.length[zone]

    integral = _sum(_trapezoids(places, farther), faulty & reachable, zone, len(zones.first))
    return float(np.mean(integral / (zones.last - zones.first)))


def _between(*places: Floats) -> tuple[Floats, Floats]:
    """Return all places in order, each once, and the middles between them."""
    ordered = np.unique(np.concatenate(places))
    return ordered, (ordered[:-1] + ordered[1:]) / 2


def _trapezoids(places: Floats, value: Callable[[Floats], Floats]) -> Floats:
    """Return the integral from each place to the next of what is linear between them."""
    return np.diff(places) * (value(places[:-1]) + value(places[1:])) / 2


def _sum(values: Floats, chosen: NDArray[np.bool_], zone: Places, zones: int) -> Floats:
    added = np.bincount(zone[chosen], weights=values[chosen], minlength=zones)
    return added.astype(np.float64)
