"""How soon a report opens when every plot is handed 100 000 points, beside the naive page.

The naive page is the same with every point in it and every figure drawn at once, in order. Each
is opened in Chromium from a file: until the first paint, until all figures in view are drawn, at
the top and after a jump to the worst cases, and until all are.

    python benchmarks/report.py [RUN] [--points 100000]

RUN is the folder of a run; without one, `sensorkit evaluate --quick` makes one that goes away.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

from sensorkit.display.figure import Figure
from sensorkit.display.signal import signal
from sensorkit.evaluate.figures import charts
from sensorkit.report.files import write_text
from sensorkit.report.pages import page, plotly_asset
from sensorkit.report.parts import excerpts
from sensorkit.report.views import html

EVERY = 10**9
"""Points that are kept: all."""
NAIVE = """
(async () => {
  const figures = [...document.querySelectorAll("figure[data-plot]")];
  const page = document.documentElement;
  page.dataset.figures = figures.length;
  page.dataset.drawn = 0;
  for (const figure of figures) {
    const spec = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    await Plotly.newPlot(figure.querySelector(".plot"), spec.data, spec.layout);
    page.dataset.drawn = Number(page.dataset.drawn) + 1;
  }
})();
"""
IN_VIEW = """(() => {
  const seen = [...document.querySelectorAll("figure[data-plot] .plot")].filter(plot => {
    const box = plot.getBoundingClientRect();
    return plot.checkVisibility() && box.bottom > 0 && box.top < innerHeight;
  });
  return seen.every(plot => plot.querySelector(".main-svg")) &&
    document.documentElement.dataset.figures !== undefined;
})()"""
ALL = "document.documentElement.dataset.drawn === document.documentElement.dataset.figures"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def heavy(figure: Figure, n: int, points: int, rng: np.random.Generator) -> Figure:
    """Return *figure* with a signal of *n* readings in it, drawn with about so many points."""
    values = np.cumsum(rng.normal(0, 0.05, n)) + 20
    values[rng.integers(0, n, 20)] += 8
    steps = np.arange(n) * 1_000_000_000
    spec = signal(
        steps,
        values,
        channel="temperature",
        unit="°C",
        faults_ns=np.array([[steps[n // 2], steps[n // 2 + n // 20]]]),
        alerts_ns=steps[[n // 2 + 10]],
        origin_ns=0,
        height=excerpts.HEIGHT,
        points=points,
    )
    return replace(figure, spec=spec)


def named(figure: Figure, name: str) -> Figure:
    """Return *figure* by another name: two of one would share their place on the page."""
    return replace(figure, name=name)


def values_of(run: Path, n: int, points: int) -> dict[str, Any]:
    """Return what the page shows, each plot of a signal or of delays handed *n* points."""
    rng = np.random.default_rng(1)
    values = html._values(run, links=True)
    values["examples"] = [heavy(figure, n, points, rng) for figure in values["examples"]]
    worst = values["worst"]
    for part in worst["parts"]:
        # As many as there can be, whatever this run missed.
        shown = (part["shown"] or worst["parts"][0]["shown"]) * 10
        part["shown"] = [
            {**one, "figure": heavy(named(one["figure"], f"{part['id']}-{i}"), n, points, rng)}
            for i, one in enumerate(shown[:10])
        ]
    names = [row["detector"] for row in values["ranking"]][: charts.LINES_SHOWN]
    delays = {name: rng.exponential(30.0, n) for name in names}
    charts.STEPS = min(points, n)
    values["figures"][0] = replace(values["figures"][0], spec=charts.found_within(delays, names))
    return values


def write(run: Path, name: str, n: int, points: int, *, naive: bool) -> Path:
    """Write a page beside the report and return it."""
    plotly = plotly_asset(run.parent.parent)
    text = page("report.html.j2", plotly=f"../../{plotly}", links=[], **values_of(run, n, points))
    if naive:
        before, _, after = text.rpartition("<script nonce=")
        nonce = re.match(r'"([^"]+)"', after)
        assert nonce is not None
        text = f'{before}<script nonce="{nonce[1]}">{NAIVE}</script></body></html>'
        # Nothing is folded away on the naive page.
        text = text.replace('<details class="more"', '<details open class="more"')
    path = run / name
    write_text(path, text)
    return path


def wait(tab: Any, condition: str, begun: float, longest: float = 120.0) -> float:
    """Return the seconds since *begun* at which the page first meets *condition*."""
    while not tab.evaluate(condition):
        if time.perf_counter() - begun > longest:
            return float("nan")
        time.sleep(0.01)
    return time.perf_counter() - begun


def measure(browser: Any, path: Path) -> dict[str, float]:
    """Return the seconds that a page takes to come up."""
    tab = browser.new_page(viewport={"width": 1200, "height": 900})
    try:
        begun = time.perf_counter()
        tab.goto(path.as_uri(), wait_until="commit")
        top = wait(tab, IN_VIEW, begun)
        paint = tab.evaluate(PAINT)
        jump = time.perf_counter()
        tab.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
        tab.evaluate("document.getElementById('worst').scrollIntoView()")
        tab.wait_for_timeout(20)
        return {
            "first paint": (paint or float("nan")) / 1000,
            "in view": top,
            "in view after a jump": wait(tab, IN_VIEW, jump),
            "all": wait(tab, ALL, begun),
        }
    finally:
        tab.close()


def evaluated(out: Path) -> Path:
    """Return the folder of a small run, made below *out*."""
    command = [sys.executable, "-m", "sensorkit", "evaluate", "--quick", "--out", str(out)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return out / "runs" / (out / "latest.txt").read_text(encoding="utf-8").strip()


def main() -> None:
    """Print both pages, a line each, the median of several openings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--openings", type=int, default=3)
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("Chromium is needed: nothing was measured")
    with sync_playwright() as playwright, contextlib.ExitStack() as stack:
        run = given.run or evaluated(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        pages = {
            "report": write(run, "bench.html", given.points, excerpts.POINTS, naive=False),
            "naive": write(run, "bench-naive.html", given.points, EVERY, naive=True),
        }
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        stack.callback(browser.close)
        for path in pages.values():
            stack.callback(path.unlink)
        print(f"{given.points} points handed to each plot; seconds, median of {given.openings}")
        for name, path in pages.items():
            found = [measure(browser, path) for _ in range(given.openings)]
            medians = {key: float(np.median([one[key] for one in found])) for key in found[0]}
            said = ", ".join(f"{key} {value:.2f}" for key, value in medians.items())
            print(f"{name:7} {path.stat().st_size / 1e6:6.1f} MB  {said}")


if __name__ == "__main__":
    main()
