"""What a live plot costs the capture: the same bytes without one, with one, and with a busy one.

The plot runs as it does in a notebook: four looks a second at what is on disk, a picture after
each. Busy is a kernel that holds its lock for seconds on end, so that nothing else in it runs.
Blast: as fast as bytes are taken, so that nothing can be lost and the speed is what differs. Rates:
at the speed of a port, where the writer waits for nobody, so that loss is what could differ. The
three take turns in one run.

Run with `make bench` or `python benchmarks/live_plot.py --quick`.
"""

import argparse
import json
import multiprocessing
import re
import tempfile
import time
from pathlib import Path

from capture import RATES, rounds
from capturing import frames, readers, sections

from sensorkit.notebook.live_figure import LiveFigure
from sensorkit.notebook.live_tail import Tail
from sensorkit.notebook.live_view import REDRAW_S
from sensorkit.profile import Profile

HOW = ("no plot", "live plot", "live plot, kernel busy")


def watch(folder, profile, busy, ready, told):
    """Show the recording that appears in *folder*, until this process is ended."""
    known = Profile.load(profile)
    figure = LiveFigure(known, moving=True)
    ready.set()
    while not (found := list(folder.glob("*/structured_metrics.csv"))):
        time.sleep(0.01)
    tail = Tail(found[0].parent, known, 60.0)
    while True:
        began = time.perf_counter()
        tail.look()
        figure.draw(tail.points, [], "", several=False)
        told.value += 1
        took = time.perf_counter() - began
        if busy:
            # Backtracking in C gives the lock back to nobody.
            re.match(r"(a+)+b", "a" * 24)
        time.sleep(max(REDRAW_S, 4 * took))


def beside(how, job, folder, profile):
    """Run *job* while a plot is up; its figures, and the pictures that were made."""
    folder.mkdir()
    if how == HOW[0]:
        return {**job(folder), "pictures": 0}
    spawn = multiprocessing.get_context("spawn")
    ready, told = spawn.Event(), spawn.Value("i", 0)
    plot = spawn.Process(target=watch, args=(folder, profile, how == HOW[2], ready, told))
    plot.start()
    ready.wait()  # a notebook has imported long before its device sends
    try:
        return {**job(folder), "pictures": told.value}
    finally:
        plot.kill()
        plot.join()


def main():
    """Run both parts and print a table of each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smaller one, in a minute")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    n = 1_000_000 if options.quick else 8_000_000
    seconds = 5.0 if options.quick else 20.0
    times = 1 if options.quick else options.rounds
    result = {}
    with tempfile.TemporaryDirectory() as scratch:
        profile = Path(scratch) / "short.yaml"
        profile.write_text(frames.SHORT_PROFILE, encoding="utf-8")

        def blast(folder):
            return sections.blast(readers.OURS, folder, profile, frames.short, 0, n)

        def at(baud):
            return lambda folder: sections.rate(readers.OURS, folder, profile, baud, seconds)

        def in_turn(job):
            def place():
                return Path(scratch) / str(time.monotonic_ns())

            jobs = {how: lambda how=how: beside(how, job, place(), profile) for how in HOW}
            return rounds(times, jobs)

        result["blast"] = in_turn(blast)
        print(f"\nBlast of {n:,} frames of 30 bytes")
        print(f"  {'':<26}{'frames/s':>12}{'of none':>9}{'lost':>6}{'pictures':>10}")
        alone = result["blast"][HOW[0]]["frames_per_s"]
        for how, row in result["blast"].items():
            speed = row["frames_per_s"]
            print(
                f"  {how:<26}{speed:>12,.0f}{speed / alone:>9.2f}{row['lost']:>6.0f}"
                f"{row['pictures']:>10.0f}"
            )
        for name, baud in RATES.items():
            result[name] = in_turn(at(baud))
            print(f"\n{name}, {baud / 300:,.0f} frames/s for {seconds:g} s")
            print(f"  {'':<26}{'lost %':>8}{'CPU %':>8}{'p99 ms':>8}{'pictures':>10}")
            for how, row in result[name].items():
                print(
                    f"  {how:<26}{row['lost_percent']:>8.2f}{row['cpu_percent']:>8.1f}"
                    f"{row['p99_ms']:>8.1f}{row['pictures']:>10.0f}"
                )
    if options.json:
        options.json.write_text(json.dumps(result, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
