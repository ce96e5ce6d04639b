"""Make the pictures of docs/gallery.md from a real run: `python docs/making/gallery.py`.

    python docs/making/gallery.py [--reports DIR] [--only NAME,NAME] [--out DIR]

Without --reports the run is made first: two evaluations of one emulated device (five minutes). The
pictures of notebooks are taken in JupyterLab. Chromium is needed; the network is not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from pictures import LAB, PICTURES, REPORT, Picture, cut, keep

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
PATIENCE_S = 300

# Both runs are of the same readings, so that they can be compared.
RUNS = (
    ["--set", "false_alarms_per_day=4"],
    [
        "--require=best.event_recall>=0.6",
        "--require=best.false_alarms_per_day<=4",
    ],
)

NOTEBOOKS = {
    "plot": (
        "from sensorkit.capture import Recording\n\n"
        'recording = Recording.open("serial_monitor_faulted")',
        "recording.plot()",
    ),
    "live": (
        "from contextlib import ExitStack\n\nfrom sensorkit.notebook import emulated, live",
        "device = ExitStack()\n"
        "port = device.enter_context(\n"
        '    emulated("serial_monitor", seconds=600, faults="forced_failure", speed=2)\n'
        ")\n"
        'watched = live(port, out="recordings/watched")',
    ),
    "editor": (
        "from sensorkit.capture import Recording\n"
        "from sensorkit.notebook import fault_editor\n\n"
        'recording = Recording.open("serial_monitor_healthy")',
        "editor = fault_editor(recording)\neditor",
    ),
}
UNSTUCK = """document.querySelectorAll("nav, header").forEach((one) => {
    if (getComputedStyle(one).position === "sticky") one.style.position = "static";
})"""
# A widget is on the page before its data are.
DRAWN = """[...document.querySelectorAll(".js-plotly-plot")].some(
    (one) => one.calcdata?.some((trace) => trace.length > 1)
)"""


def main() -> None:
    """Make the pictures that were asked for."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--reports", type=Path, help="a folder with two runs of the same data")
    asked.add_argument("--only", default="", help="names of pictures, with commas between")
    asked.add_argument("--out", type=Path, default=IMAGES, help="where the pictures go")
    said = asked.parse_args()
    names = {name for name in said.only.split(",") if name} or {p.name for p in PICTURES}
    if unknown := names - {p.name for p in PICTURES}:
        sys.exit(f"{', '.join(unknown)}: no such picture; there are {[p.name for p in PICTURES]}")
    said.out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # JupyterLab is ended on the way out
    with tempfile.TemporaryDirectory(prefix="sensorkit-gallery-") as folder, chromium() as browser:
        of_report = [p for p in REPORT if p.name in names]
        if of_report:
            reports = said.reports or run(Path(folder))
            for picture in of_report:
                take(browser, picture, address(reports, picture.page).as_uri(), said.out)
        of_lab = [p for p in LAB if p.name in names]
        if of_lab:
            with jupyterlab(Path(folder) / "lab") as server:
                for picture in of_lab:
                    take(browser, picture, server.format(picture.page), said.out)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium, without a network."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        sys.exit("Chromium is not installed; on Debian and Ubuntu: sudo apt-get install chromium")
    rules = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=["--no-sandbox", rules])


def run(folder: Path) -> Path:
    """Evaluate the emulated device twice; return the folder of the runs."""
    reports = folder / "reports"  # the default, so that the command in the picture is a short one
    for options in RUNS:
        command = [sys.executable, "-m", "sensorkit", "evaluate", *options]
        sys.stdout.write(f"{' '.join(command[1:])}\n")
        done = subprocess.run(command, cwd=folder, check=False)
        if done.returncode not in {0, 1}:  # 1: the run is there, and a requirement is not met
            sys.exit(f"sensorkit evaluate ended with {done.returncode}; see above")
    first, second = sorted(path.name for path in (reports / "runs").iterdir())
    command = [sys.executable, "-m", "sensorkit", "compare", first, second, "--html"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return reports


def address(reports: Path, page: str) -> Path:
    """Return the file of a page: of the latest run, of all runs, or of two."""
    reports = reports.resolve()
    if page == "index":
        return reports / "index.html"
    if page == "compare":
        pages = sorted((reports / "compare").glob("*.html"))
        if not pages:
            sys.exit(
                f"{reports}/compare has no page; `sensorkit compare RUN RUN --html` writes one"
            )
        return pages[-1]
    latest = (reports / "latest.txt").read_text(encoding="utf-8").strip()
    return reports / "runs" / latest / "report.html"


def take(browser: Browser, picture: Picture, url: str, out: Path) -> None:
    """Open a page as its reader would, wait until it has drawn all, and keep the picture."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme="dark" if picture.dark else "light",
        device_scale_factor=2 if picture.width < 600 else 1,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    page.goto(url)
    if picture in LAB:
        page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context?.isReady")
        page.wait_for_function(
            "jupyterapp.shell.currentWidget.sessionContext?.session?.kernel?.status === 'idle'",
            timeout=PATIENCE_S * 1000,
        )
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(DRAWN)
        if picture.page == "live":  # it is worth a picture once there is something to see
            page.get_by_text("HEARTBEAT_LOSS").first.wait_for(timeout=PATIENCE_S * 1000)
        page.wait_for_timeout(4000)
    else:
        if picture.selector:
            # What stays at the top of a window would lie over the middle of a long picture.
            page.evaluate(UNSTUCK)
            page.locator(picture.selector).first.evaluate("one => one.scrollIntoView()")
        settle(page)
    keep(cut(page, picture), out / f"{picture.name}.png")
    sys.stdout.write(f"{picture.name}.png: {(out / f'{picture.name}.png').stat().st_size} bytes\n")
    context.close()


def settle(page: Page) -> None:
    """Wait until a report has drawn the figures that are in sight: it draws them as they come."""
    drawn = "document.documentElement.dataset.drawn"
    before = "none"
    while before != (now := page.evaluate(drawn)):
        before = now
        page.wait_for_timeout(1500)


@contextlib.contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """Serve the notebooks in JupyterLab; give the address of one, with a gap for its name."""
    folder.mkdir(parents=True)
    for name, cells in NOTEBOOKS.items():
        kernel = {"name": "python3", "display_name": "Python 3"}
        notebook = new_notebook(
            cells=[new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel}
        )
        nbformat.write(notebook, folder / f"{name}.ipynb")
    for recording in ("serial_monitor_healthy", "serial_monitor_faulted"):
        shutil.copytree(ROOT / "datasets" / recording, folder / recording)
    token, port = secrets.token_hex(16), free_port()
    own = {
        name: str(folder / ".jupyter" / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    settings = Path(own["JUPYTER_CONFIG_DIR"]) / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}')
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url=", "--allow-root"]
    environment = {
        **{k: v for k, v in os.environ.items() if k != "SENSORKIT_QUIET"},
        **own,
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    server = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token={token}", server)
        yield f"http://127.0.0.1:{port}/doc/tree/{{}}.ipynb?token={token}"
    finally:
        with contextlib.suppress(urllib.error.URLError):
            shut = f"http://127.0.0.1:{port}/api/shutdown?token={token}"
            urllib.request.urlopen(urllib.request.Request(shut, method="POST"), timeout=5)
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            json.load(answer)
            return
        time.sleep(0.3)
    sys.exit("JupyterLab did not start; run `make lab` to see why")


if __name__ == "__main__":
    main()
