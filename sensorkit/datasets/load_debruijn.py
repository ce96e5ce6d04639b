"""De Bruijn's faults: each node clean, and with one kind of fault after the other injected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.datasets import columns, tables
from sensorkit.datasets.series import Series

LAYOUT = "<site>/injected_<kind>/mote=...txt and <site>/clean/..._clean.txt"

KINDS = ("random", "malfunction", "bias", "drift", "polydrift", "mixed")
BITS = {1: "random", 2: "malfunction", 4: "bias", 8: "drift", 16: "polydrift", 32: "polydrift"}
"""What a bit of the label means; SensorScope's polydrift carries 32, "polydriftnoise"."""

FAULTY = re.compile(rf"mote=(.+)_sensortype=(\w+)_faulttype=({'|'.join(KINDS)})\.txt")
CLEAN = (
    (re.compile(r"Node0*(\w+)_clean\.txt"), "intel"),
    (re.compile(r"(santander\w+)_clean\.txt"), "santander"),
    (re.compile(r"stbernard-meteo-(\w+)_clean_formatted\.txt"), "sensorscope"),
)


class Item(NamedTuple):
    """One file, read for one channel."""

    site: str
    mote: str
    channel: str
    kind: str
    path: Path


def find(root: Path) -> list[Item]:
    """Return what to read, sorted by site, mote and channel: clean first, then by kind of fault."""
    items = []
    for path in tables.files(root, "*/injected_*/*.txt", FAULTY.fullmatch):
        fits = FAULTY.fullmatch(path.name)
        assert fits is not None  # noqa: S101 - files has asked
        mote, channel, kind = fits.groups()
        items.append(Item(path.parts[-3], mote, channel, kind, path))
    for path in tables.files(root, "*/*clean/*.txt"):
        for pattern, site in CLEAN:
            fits = pattern.fullmatch(path.name)
            if fits and path.parts[-3] == site:
                items += [Item(site, fits[1], name, "clean", path) for name in _channels(path)]
    order = ("clean", *KINDS)
    return sorted(
        items, key=lambda i: (i.site, tables.natural(i.mote), i.channel, order.index(i.kind))
    )


def _channels(path: Path) -> list[str]:
    known = {"set_id", "timestamp", "mote_id", "has_fault_type"}
    return [name for name in tables.header(path) if name not in known]


def read(_root: Path, found: Iterable[Item]) -> Iterator[Series]:
    """Yield one series a file and channel, `site/mote/channel/kind`; the files of a node together.

    A faulty file is read for the channel that has the faults; the other one of Intel Lab is only
    rounded again. A clean file gives a series for each of its channels, with the labels that
    stand in it (Santander has natural ones). All series of a node share their readings but for the
    faults: they are a group, so that a split goes by node.

    `extra` has `site`, `mote`, `channel` and `kind` (`clean` or the kind of fault); `categories`
    the kind of each row, joined with + where several bits are set.
    """
    for item in found:
        frame = tables.read(item.path, [item.channel, "has_fault_type"], ["timestamp"], quote="'")
        codes = _codes(item.path, frame["has_fault_type"].to_numpy(np.float64))
        time = columns.times(item.path, frame["timestamp"], "%Y-%m-%dT%H:%M:%S")
        late = item.site == "sensorscope" and item.kind == "polydrift"
        yield Series.of(
            "debruijn",
            f"{item.site}/{item.mote}/{item.channel}/{item.kind}",
            tables.readings(time, frame[[item.channel]], device=item.mote),
            codes != 0,
            group=f"{item.site}/{item.mote}",
            categories=_kinds(codes),
            notes=("its times are two hours later than those of the clean file",) if late else (),
            extra={
                "site": item.site,
                "mote": item.mote,
                "channel": item.channel,
                "kind": item.kind,
            },
        )


def _codes(path: Path, labels: NDArray[np.float64]) -> NDArray[np.int64]:
    columns.demand(
        path,
        np.isin(labels, np.arange(2 * max(BITS))),
        lambda row: f"has_fault_type is {labels[row]:g}; a sum of {list(BITS)} is wanted",
    )
    return labels.astype(np.int64)


def _kinds(codes: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the words for the bits of each label, None for 0."""
    there, which = np.unique(codes, return_inverse=True)
    words = np.empty(len(there), dtype=object)
    for i, code in enumerate(there.tolist()):
        words[i] = "+".join(dict.fromkeys(BITS[bit] for bit in BITS if code & bit)) or None
    kinds: NDArray[np.object_] = words[which]
    return kinds
