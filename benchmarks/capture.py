"""How fast the capture is, and what it loses, each beside its yardstick in the same run.

All readers take the same bytes from a pseudo-terminal, in turn, so that a slow minute of the
machine hits all alike; medians are shown, and the figures to compare are the ratios. `cat` is the
limit of the machine; `naive` is the design that everybody writes (pyserial readline, split, float,
a row of csv). A terminal makes its writer wait, so nothing is lost in a blast; the part at real
rates has a writer that drops what does not fit, as the driver of a port does.

Run with `make bench` or, for one part, `python benchmarks/capture.py --only rates`.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from capturing import frames, readers, sections, wire

from sensorkit.profile import SHIPPED

RATES = {"115 200 Bd": 115_200, "921 600 Bd": 921_600, "12 MBd": 12_000_000}
PARTS = ("blast", "rates", "trouble", "replay")
# The naive reader is so slow that it gets this share of the frames.
NAIVE_SHARE = 0.02


def middle(runs):
    """Return the median of each figure over the rounds."""
    return {
        key: statistics.median(run[key] for run in runs)
        for key, value in runs[0].items()
        if isinstance(value, int | float)
    }


def rounds(n, jobs):
    """Run all jobs in turn, *n* times; return the medians of each."""
    found = {name: [] for name in jobs}
    for _ in range(n):
        for name, job in jobs.items():
            found[name].append(job())
    return {name: middle(runs) | {"runs": runs} for name, runs in found.items()}


class Bench:
    """The parts of the benchmark over one folder of scratch files."""

    def __init__(self, folder, options):
        self.folder = folder
        self.options = options
        self.short = folder / "short.yaml"
        self.short.write_text(frames.SHORT_PROFILE, encoding="utf-8")
        self.shared = folder / "shared.yaml"
        self.shared.write_text(frames.SHARED_PROFILE, encoding="utf-8")
        self.default = SHIPPED / "serial_monitor.yaml"
        self.cores = sorted(os.sched_getaffinity(0))

    def scratch(self):
        """Return a folder that is empty: one run must not fill the disk of the next."""
        path = self.folder / "run"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def blast(self):
        """As fast as bytes are taken: every reader, both frames, on one core and on all."""
        result = {}
        pinned = {"one core": ({self.cores[0]}, {self.cores[-1]}), "all cores": (None, None)}
        for title, (cores, writer) in pinned.items():
            for kind, make, first, most, profile in (
                ("30-byte frames", frames.short, 0, 10**7, self.short),
                ("49-byte frames with CRC-16", frames.default, frames.FIRST_DEFAULT, 899_999,
                 self.default),
            ):  # fmt: skip
                n = min(self.options.frames, most - sections.PRIMER)

                def run(reader, n=n, make=make, first=first, profile=profile, cores=cores,
                        writer=writer):  # fmt: skip
                    naive = reader is readers.NAIVE_ROWS
                    share = int(n * NAIVE_SHARE) if naive else n
                    return sections.blast(
                        reader, self.scratch(), profile, make, first, share, cores=cores,
                        writer=writer,
                    )  # fmt: skip

                jobs = {
                    reader.name: lambda reader=reader, run=run: run(reader)
                    for reader in (*readers.YARDSTICKS, readers.OURS)
                    if readers.installed(reader)
                }
                found = rounds(self.options.rounds, jobs)
                result[f"{kind}, reader on {title}"] = found
                show_blast(f"Blast, {n:,} {kind}, reader on {title}", found)
        return result

    def rates(self):
        """At the speed of real ports, with a writer that drops what nobody reads."""
        result = {}
        for name, baud in RATES.items():
            jobs = {
                reader.name: lambda reader=reader, baud=baud: sections.rate(
                    reader, self.scratch(), self.short, baud, self.options.seconds
                )
                for reader in (readers.NAIVE_FLUSHED, readers.OURS)
            }
            result[name] = rounds(self.options.rounds, jobs)
            show_rates(f"{name}, {baud / 300:,.0f} frames/s", result[name])
        return result

    def trouble(self):
        """12 MBd beside a busy process, with a reader that stops, and with every fsync."""
        baud, seconds = RATES["12 MBd"], self.options.seconds

        def run(reader, **options):
            return sections.rate(reader, self.scratch(), self.short, baud, seconds, **options)

        def beside_busy(reader):
            other = wire.busy({self.cores[-1]})
            try:
                return run(reader)
            finally:
                other.kill()
                other.join()

        jobs = {}
        for reader in (readers.NAIVE_FLUSHED, readers.OURS):
            name = reader.name.split()[0].rstrip(",")
            jobs[f"{name}, one core busy"] = lambda reader=reader: beside_busy(reader)
            jobs[f"{name}, stopped for 0.5 s"] = lambda reader=reader: run(reader, stall_s=0.5)
        for how in ("always", "1", "never"):
            jobs[f"sensorkit, --fsync {how}"] = lambda how=how: run(readers.with_fsync(how))
        found = rounds(self.options.rounds, jobs)
        show_rates("12 MBd in trouble", found)
        return found

    def replay(self):
        """A recording rebuilt and compared, on one core."""
        result = {}
        core = {self.cores[0]}
        for kind, make, first, profile in (
            ("30-byte frames", frames.short, 0, self.short),
            ("30-byte frames, 1 % of them damaged", frames.damaged, 0, self.short),
            ("35-byte frames that name one of ten devices", frames.shared, 0, self.shared),
            ("49-byte frames with CRC-16", frames.default, frames.FIRST_DEFAULT, self.default),
        ):
            n = min(self.options.frames, 800_000 if make is frames.default else 9_000_000)
            small = sections.recorded(self.folder, profile, make(first, sections.PRIMER))
            large = sections.recorded(self.folder, profile, make(first, n))
            job = {"sensorkit replay": lambda s=small, b=large, n=n: sections.replay(
                s, b, n, cores=core)}  # fmt: skip
            result[kind] = rounds(self.options.rounds, job)
            for path in (small, large):
                shutil.rmtree(path)
            row = result[kind]["sensorkit replay"]
            print(
                f"\nReplay of {n:,} {kind}, rebuilt and compared on one core: "
                f"{row['frames_per_s']:,.0f} frames/s, {row['cpu_s_per_million']:.2f} CPU s/M"
            )
        return result

    def soak(self):
        """Without a pause for very long; the memory as it goes."""
        row = sections.soak(self.scratch(), self.short, self.options.soak)
        print(
            f"\nSoak: {row['frames']:,} frames at {row['frames_per_s']:,.0f} frames/s; memory "
            f"{row['first_mb']:.0f} MB after a tenth, {row['highest_mb']:.0f} MB at most, all "
            f"processes together; the parser was {row['largest_lag_frames']:,} frames behind at "
            "most"
        )
        return row


def show_blast(title, found):
    """Print one table of a blast."""
    print(f"\n{title}")
    print(f"  {'reader':<20}{'frames/s':>12}{'x cat':>8}{'x naive':>9}{'CPU s/M':>10}{'lost':>6}")
    cat, naive = (found[name]["frames_per_s"] for name in ("cat", "naive pyserial"))
    for name, row in found.items():
        speed = row["frames_per_s"]
        print(
            f"  {name:<20}{speed:>12,.0f}{speed / cat:>8.3f}{speed / naive:>9.1f}"
            f"{row['cpu_s_per_million']:>10.2f}{row['lost']:>6.0f}"
        )
    for reader in readers.YARDSTICKS:
        if not readers.installed(reader):
            print(f"  {reader.name:<20}not installed")


def show_rates(title, found):
    """Print one table of real rates."""
    print(f"\n{title}")
    print(f"  {'reader':<28}{'CPU %':>7}{'lost %':>8}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}")
    for name, row in found.items():
        print(
            f"  {name:<28}{row['cpu_percent']:>7.1f}{row['lost_percent']:>8.2f}"
            f"{row['p50_ms']:>9.2f}{row['p99_ms']:>9.2f}{row['max_ms']:>9.2f}"
        )


def machine():
    """Return what the absolute figures depend on."""
    model = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": model[0] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def arguments():
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=2_000_000, help="of a blast and a replay")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a run at a real rate")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; may be repeated")
    parser.add_argument("--soak", type=int, metavar="FRAMES", help="send so many without a pause")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args()


def main():
    """Run the parts that are asked for."""
    if sys.platform == "win32":
        print("sensorkit: no pseudo-terminals on Windows, so there is nothing to measure with")
        return
    options = arguments()
    parts = options.only or ([] if options.soak else PARTS)
    told = {"machine": machine(), "options": vars(options) | {"json": None}}
    print(", ".join(f"{key} {value}" for key, value in told["machine"].items()))
    with tempfile.TemporaryDirectory(prefix="sensorkit-bench-") as folder:
        bench = Bench(Path(folder), options)
        for part in parts:
            told[part] = getattr(bench, part)()
        if options.soak:
            told["soak"] = bench.soak()
    if options.json:
        options.json.write_text(json.dumps(told, indent=1, default=list) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
