"""What it costs to draw a long recording, beside drawing all of it and beside plotly-resampler.

Each way runs in a process of its own, so that its memory is its own. For each: seconds of the
processor until the figure is there as JSON, its size, the memory it took beside the readings,
seconds for one zoom, and how many of 100 spikes of one reading each are among the points drawn, for
the whole and after zooming in on the middle fiftieth (which has two).

    python benchmarks/plotting.py                      # ours, and all points
    OTHER/bin/python benchmarks/plotting.py --peer     # plotly-resampler, where it is installed

plotly-resampler wants a plotly below 7 and so an environment of its own: `pip install
plotly-resampler ipywidgets anywidget psutil`. It needs nothing of sensorkit here.
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np
import psutil

SPIKE = 50.0
PEER = ("resampler", "resampler minmax")


def data(n):
    """Return the times (ns) and a noisy signal with 100 spikes, evenly spread."""
    rng = np.random.default_rng(1)
    values = 3 * np.sin(np.arange(n) / n * 60) + rng.normal(0, 0.5, n)
    values[np.arange(100) * (n // 100) + n // 200] += SPIKE
    return np.arange(n, dtype=np.int64) * 100_000_000, values


def spikes(y):
    """Return how many spikes are among the values drawn."""
    drawn = np.asarray(y, dtype=float)
    return int((drawn > np.nanmedian(drawn) + SPIKE * 0.6).sum())


def ours(time_ns, values, tick):
    """Draw with `Readings.plot`, zoom as its widget does."""
    from sensorkit.display.lines import Line, Timeline
    from sensorkit.readings import Readings

    readings = Readings.build(time_ns, values[:, np.newaxis], ["x"])
    readings.plot(points=10)  # plotly is loaded
    tick()
    figure = readings.plot()
    text = figure.to_json()
    tick()
    line = Line("a", Timeline(time_ns), values)
    line.thinned()
    tick()
    zoomed = line.thinned(2000, middle(time_ns))
    tick()
    return len(text), figure.data[0].y, inside(zoomed[0], zoomed[1], time_ns)


def everything(time_ns, values, tick):
    """Draw every reading."""
    import plotly.graph_objects as go

    go.Figure(go.Scatter(y=values[:10])).to_json()
    tick()
    x = time_ns.view("datetime64[ns]")
    text = go.Figure(go.Scatter(x=x, y=values)).to_json()
    tick()
    tick()
    tick()
    return len(text), values, values[slice(*np.searchsorted(time_ns, middle(time_ns)))]


def resampler(time_ns, values, tick, downsampler="MinMaxLTTB"):
    """Draw with plotly-resampler, zoom as its callback does."""
    import plotly.graph_objects as go
    from plotly_resampler import FigureResampler, aggregation

    method = getattr(aggregation, f"{downsampler}")()
    go.Figure(go.Scatter(y=values[:10])).to_json()
    x = time_ns.view("datetime64[ns]")
    tick()
    figure = FigureResampler(
        go.Figure(), default_n_shown_samples=2000, default_downsampler=method, verbose=False
    )
    figure.add_trace(go.Scatter(), hf_x=x, hf_y=values)
    text = figure.to_json()
    tick()
    start, stop = (np.datetime64(int(edge), "ns") for edge in middle(time_ns))
    tick()
    patch = figure._construct_update_data(
        {"xaxis.range[0]": str(start), "xaxis.range[1]": str(stop)}
    )
    tick()
    return len(text), figure.data[0].y, patch[1]["y"]


def minmax(time_ns, values, tick):
    """Draw with plotly-resampler and its MinMaxAggregator."""
    return resampler(time_ns, values, tick, "MinMaxAggregator")


WAYS = {
    "sensorkit": ours,
    "all points": everything,
    "resampler": resampler,
    "resampler minmax": minmax,
}


def middle(time_ns):
    """Return the ends of the middle fiftieth."""
    first, last = int(time_ns[0]), int(time_ns[-1])
    centre, reach = (first + last) / 2, (last - first) / 100
    return centre - reach, centre + reach


def inside(x, y, time_ns):
    """Return what of a line lies in the middle fiftieth."""
    start, stop = middle(time_ns)
    at = np.array(x, dtype="datetime64[ns]").astype(np.int64)
    return np.asarray(y)[(at >= start) & (at <= stop)]


def measure(way, n):
    """Return the figures of one way, in this process."""
    time_ns, values = data(n)
    ticks, memory = [], []

    def tick():
        ticks.append(time.process_time())
        memory.append(psutil.Process().memory_info().rss)

    size, whole, part = WAYS[way](time_ns, values, tick)
    return {
        "way": way,
        "readings": n,
        "draw_s": round(ticks[1] - ticks[0], 4),
        "zoom_s": round(ticks[3] - ticks[2], 4),
        "json_kb": round(size / 1e3),
        "memory_mb": round((max(memory) - memory[0]) / 1e6, 1),
        "spikes_of_100": spikes(whole),
        "spikes_zoomed_of_2": spikes(part),
    }


def main():
    """Measure each way and size in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", action="store_true", help="measure plotly-resampler instead")
    parser.add_argument("--readings", type=int, nargs="+", default=[100_000, 1_000_000, 5_000_000])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one[0], int(options.one[1]))))
        return
    ways = PEER if options.peer else [way for way in WAYS if way not in PEER]
    rows = []
    for n in options.readings:
        for way in ways:
            call = [sys.executable, __file__, "--one", way, str(n)]
            done = subprocess.run(call, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr)
            rows.append(json.loads(done.stdout.splitlines()[-1]))
    print("  ".join(f"{name:>18}" for name in rows[0]))
    for row in rows:
        print("  ".join(f"{value!s:>18}" for value in row.values()))


if __name__ == "__main__":
    main()
