"""Live plot and fault editor in the hands of a user: buttons and sliders, in a real JupyterLab."""

import sys

import nbformat
import pytest
import yaml
from lab_server import JupyterLab

from sensorkit.capture import Recording
from sensorkit.report.files import project_root

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="captures a pseudo-terminal"),
]

HEALTHY = project_root() / "datasets" / "serial_monitor_healthy"
PATIENCE_S = 90
SETTINGS = {"apputils-extension/notification": {"fetchNews": "false"}}
PLOT = 'document.querySelector(".jp-OutputArea .js-plotly-plot")'

LIVE = """from sensorkit.notebook import emulated, live
device = emulated("serial_monitor", seconds=1e6, speed=20, faults="forced_failure")
seen = live(device, out="one", window_s=1e5)"""
EDITOR = f"""from sensorkit.notebook import fault_editor
editor = fault_editor({str(HEALTHY)!r}, detectors=["rules", "sigma"])"""


class Lab(JupyterLab):
    """A server, and what a user does with a notebook of one cell."""

    def states(self, name):
        """Return what the kernels of a notebook do."""
        sessions = [one for one in self.ask("/api/sessions") if one["path"] == f"{name}.ipynb"]
        return [session["kernel"]["execution_state"] for session in sessions]

    def run(self, browser, name, source, **look):
        """Write a notebook of one cell, open it, run it, and wait for its plot."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, self.folder / f"{name}.ipynb")
        browser.open(f"{self.address}/lab/tree/{name}.ipynb?reset&token={self.token}", **look)
        page = browser.page
        page.set_default_timeout(1000 * PATIENCE_S)
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
        # Not before the server has the kernel as well: the page would ask which one to take.
        self.until(lambda: "idle" in self.states(name))
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()
        page.wait_for_function(f"{PLOT}?.querySelectorAll('.main-svg .trace path').length > 0")
        return page


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with Lab(tmp_path_factory.mktemp("lab"), SETTINGS) as lab:
        yield lab


def zoomed_in(page):
    """Drag over the middle of the plot, and wait until that is what it shows."""
    # Not `scroll_into_view_if_needed`: it waits for a plot that stands still.
    box = page.evaluate(f"{PLOT}.querySelector('.nsewdrag').getBoundingClientRect().toJSON()")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - box["width"] / 6, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / 6, y, steps=8)
    page.mouse.up()
    page.wait_for_function(f"{PLOT}._fullLayout.xaxis.autorange === false")


def kernel_of(lab, name):
    (session,) = [one for one in lab.ask("/api/sessions") if one["path"] == f"{name}.ipynb"]
    return session["kernel"]["id"]


def test_the_live_plot_moves_until_stop_is_pressed_and_again_until_the_kernel_goes(lab, browser):
    page = lab.run(browser, "live", LIVE)
    newest = f"{PLOT}.data[0].x.at(-1)"
    pictures = []
    for _ in range(4):  # a page that draws is sent one picture after the other
        page.wait_for_function(f"last => {newest} !== last", arg=(pictures or [""])[-1])
        pictures.append(page.evaluate(newest))
    assert len(set(pictures)) == 4
    page.wait_for_function(f"{PLOT}.querySelectorAll('.main-svg .points path').length > 0")
    zoomed_in(page)
    seen = page.evaluate(f"{PLOT}._fullLayout.xaxis.range.slice()")
    for _ in range(3):
        page.wait_for_function(f"last => {newest} !== last", arg=page.evaluate(newest))
    assert page.evaluate(f"{PLOT}._fullLayout.xaxis.range.slice()") == seen
    page.locator("button", has_text="Stop").click()
    page.get_by_role("button", name="Stopped").wait_for()
    page.get_by_text("stopped by the user").wait_for()
    assert "HEARTBEAT_LOSS" in page.locator(".jp-OutputArea").inner_text()

    one = Recording.open(lab.folder / "one")
    assert (one.status, one.verify()) == ("complete", [])

    page = lab.run(browser, "live", LIVE.replace('"one"', '"two"'))
    lab.ask(f"/api/kernels/{kernel_of(lab, 'live')}/restart", "POST")
    two = lab.folder / "two"
    lab.until(lambda: Recording.open(two).status != "recording" and Recording.open(two).whole)
    assert Recording.open(two).status == "complete"
    lab.ask(f"/api/kernels/{kernel_of(lab, 'live')}", "DELETE")


def test_the_fault_editor_follows_the_keyboard_and_saves_what_is_seen(lab, browser):
    page = lab.run(browser, "editor", EDITOR)
    table = page.locator(".jp-OutputArea table")
    assert "✓ found" in table.inner_text()
    before = page.evaluate(f"JSON.stringify({PLOT}.data[1].y)")

    page.locator(".noUi-handle").first.focus()  # of the size
    for _ in range(39):
        page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "!document.querySelector('.jp-OutputArea table').innerText.includes('✓')"
    )
    assert page.evaluate(f"JSON.stringify({PLOT}.data[1].y)") != before

    page.get_by_label("Kind").select_option("stuck")
    page.wait_for_function(
        "document.querySelector('.jp-OutputArea table').innerText.includes('stuck')"
    )
    page.locator(".noUi-handle").nth(1).focus()  # of the start
    page.locator("button", has_text="Save plan").click()
    page.get_by_text("sensorkit inject").wait_for()
    plan = yaml.safe_load((lab.folder / "faults.yaml").read_text())
    assert [fault["kind"] for fault in plan["faults"]] == ["stuck"]
    lab.ask(f"/api/kernels/{kernel_of(lab, 'editor')}", "DELETE")
