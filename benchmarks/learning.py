"""How well `sensorkit learn` does on real logs and real data sets, and how fast it is.

Reads the folder SENSORKIT_DATA. `--write PAGE` puts the tables between the markers of that page;
without it they are printed. Run
`python benchmarks/learning.py --write docs/how-to/learn-a-profile.md`.
"""

import argparse
import itertools
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from sensorkit import datasets, learning
from sensorkit.capture.importing import import_csv
from sensorkit.learning.resemblance import TESTS
from sensorkit.profile import Profile
from sensorkit.readings import Readings
from sensorkit.signals import Waveforms

NOT_LOGS = {"LICENSE", "COPYING"}
SERIES = {
    "nab": ("realKnownCause/machine_temperature_system_failure",),
    "skab": ("anomaly-free/anomaly-free",),
    "asnx": ("indoor-stable/clean",),
    "debruijn": (
        "intel/1/temperature/clean",
        "intel/1/light/clean",
        "sensorscope/2/temperature/clean",
    ),
    "suthaharan": ("singlehop/indoor/2", "singlehop/outdoor/3"),
}
MARKS = "<!-- learned: {} -->", "<!-- end -->"


def logs(root):
    """Yield the name and the bytes of each serial log."""
    for path in sorted((root / "serial_logs").rglob("*")):
        if path.is_file() and path.name not in NOT_LOGS:
            yield path.relative_to(root / "serial_logs").as_posix(), path


def of_logs(root):
    """Return a row for each folder of logs: what was found, and how much of it is read."""
    rows = [
        "| logs | learned | formats | lines read, least / median | refused with a sentence |",
        "|---|--:|---|--:|--:|",
    ]
    found = {}
    for name, path in logs(root):
        group = name.split("/", 1)[0]
        entry = found.setdefault(group, {"shares": [], "formats": set(), "refused": 0})
        try:
            learned = learning.learn(learning.of_file(path))
        except learning.LearnError:
            entry["refused"] += 1
            continue
        entry["shares"].append(learned.share)
        entry["formats"].add(learned.profile.frame.format)
    for group, entry in found.items():
        shares = entry["shares"]
        read = f"{min(shares):.0%} / {np.median(shares):.0%}" if shares else "-"
        formats = ", ".join(sorted(entry["formats"])) or "-"
        rows.append(f"| {group} | {len(shares)} | {formats} | {read} | {entry['refused']} |")
    return rows


def sources(root, folder):
    """Yield the name and the source of each real recording."""
    for name, wanted in SERIES.items():
        series = itertools.chain(datasets.load(name))
        for one in series:
            if one.name in wanted:
                yield f"{name}: {one.name}", learning.of_readings(one.readings, one.name)
    table = root / "arduino_station" / "station_arduino.csv"
    form = "%y-%m-%dT%H:%M:%S"
    recording = import_csv(table, time="time", time_format=form, out=folder / "station")
    yield "arduino_station", learning.of_recording(recording)


def of_series(root):
    """Return a row for each channel of the real recordings: what passes and what does not."""
    with tempfile.TemporaryDirectory() as folder:
        found = [(name, learning.learn(source)) for name, source in sources(root, Path(folder))]
    rows = [f"| recording | channel | model | {' | '.join(TESTS)} |"]
    rows.append(f"|---|---|---|{'---|' * len(TESTS)}")
    for name, learned in found:
        results = {(one.channel, one.test): one for one in learned.results}
        for channel, signal in zip(learned.profile.channels, learned.signals, strict=True):
            cells = [verdict(results[channel.name, test]) for test in TESTS]
            model = described(signal)
            rows.append(f"| {name} | {channel.name} | {model} | {' | '.join(cells)} |")
            name = ""
    return rows


def verdict(result):
    """Return what a cell of the table says."""
    if result.verdict != "fail" or not np.isfinite(result.difference):
        return result.verdict
    return f"**fail** {result.difference:.3g} > {result.allowed:.3g}"


def described(signal):
    """Return the parts of a waveform in a few words."""
    waveform = signal.waveform
    parts = []
    if waveform.drift:
        parts.append("drift")
    if waveform.cycles:
        parts.append(f"{len(waveform.cycles)} cycles" if len(waveform.cycles) > 1 else "1 cycle")
    if waveform.noise:
        order = len(waveform.noise.coefficients)
        parts.append(f"AR({order})" if order else "white noise")
    if signal.kind != "steady":
        parts.append(signal.kind)
    return ", ".join(parts)


def of_speed():
    """Return how long a million readings of two channels take."""
    n = 1_000_000
    values = Waveforms(Profile.load("serial_monitor"), seed=1).block(n)
    readings = Readings.build(np.arange(n) * 10**9, values, ("temperature", "voltage"))
    start = time.process_time()
    learning.learn(learning.of_readings(readings, "million"))
    took = time.process_time() - start
    return [f"A million readings of two channels, comparison included: {took:.0f} s of a core."]


PARTS = {"logs": of_logs, "series": of_series, "speed": lambda _: of_speed()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--write", type=Path, help="page to put the tables into")
    options = parser.parse_args()
    root = os.environ.get("SENSORKIT_DATA")
    if not root:
        print("learning: SENSORKIT_DATA is not set; nothing to learn from")
        return
    for part in options.only or PARTS:
        rows = PARTS[part](Path(root))
        if options.write is None:
            print("\n".join(rows), end="\n\n")
            continue
        text = options.write.read_text(encoding="utf-8")
        begin, end = MARKS[0].format(part), MARKS[1]
        before, _, rest = text.partition(begin)
        after = rest.partition(end)[2]
        text = "\n".join([before + begin, "", *rows, "", end]) + after
        options.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
