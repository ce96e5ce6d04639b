"""The notebooks as a new user meets them: JupyterLab in a browser, Run All Cells.

A server of its own, with a token, on a free port of this machine, without the user's settings.
The kernel is one for people, so plots are widgets and the live plot moves. Nothing may be asked
of another host.
"""

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from lab_server import JupyterLab

from sensorkit.report.files import project_root
from sensorkit.report.parameters import read_notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = project_root()
NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
FIGURE = "nbval-ignore-output"
WIDGET = re.compile(r"= (live|fault_editor)\(")
START_S, RUN_S, DRAW_S = 60, 120, 60

SETTINGS = {
    # All cells in the page at once, so that each figure can be looked at.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}

# Errors and warnings are of one kind here. After an error the rest is not run.
COMPLAINT = "[data-mime-type='application/vnd.jupyter.stderr']"

FINISHED = f"""cells => {{
  const panel = document.querySelector(".jp-NotebookPanel:not(.lm-mod-hidden)");
  const prompts = [...panel.querySelectorAll(".jp-CodeCell .jp-InputArea-prompt")]
    .map(prompt => prompt.textContent.trim());
  const all = prompts.length === cells && prompts.every(text => /^\\[\\d+\\]:$/.test(text));
  const idle = panel.querySelector(".jp-Notebook-ExecutionIndicator[data-status='idle']");
  return all && idle || panel.querySelector("{COMPLAINT}");
}}"""

ERRORS = f"""[...document.querySelectorAll("{COMPLAINT}")].map(output => output.innerText)"""

# A plot that is there and empty is none: its traces have a path, a bar or a point each.
DRAWN = """() => [...document.querySelectorAll(".jp-OutputArea .js-plotly-plot")].map(
  plot => plot.querySelectorAll(".main-svg .trace path, .main-svg .trace .point").length
)"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start JupyterLab over a copy of the notebooks."""
    home = tmp_path_factory.mktemp("lab")
    folder = home / "work"
    (folder / "notebooks").mkdir(parents=True)
    for name in NAMES:
        _copy_without_outputs(name, folder / "notebooks")
    shutil.copytree(ROOT / "datasets", folder / "datasets")
    with _Lab(home, SETTINGS) as server:
        yield server


def _copy_without_outputs(name: str, folder: Path) -> None:
    """Copy a notebook as if it had never been run: what is there then comes from this run."""
    notebook = read_notebook(ROOT / "notebooks" / f"{name}.ipynb")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, folder / f"{name}.ipynb")


class _Lab(JupyterLab):
    """The server, and what a new user does there."""

    def run_all(self, browser, name: str, *, dark: bool = False) -> None:
        """Open a notebook and do what a new user does: Run, Run All Cells; wait for the end."""
        notebook = read_notebook(self.folder / "notebooks" / f"{name}.ipynb")
        cells = sum(cell.cell_type == "code" for cell in notebook.cells)
        browser.open(
            f"{self.address}/lab/tree/notebooks/{name}.ipynb?reset&token={self.token}", dark=dark
        )
        page = browser.page
        # Without a kernel, Run would ask which one is meant.
        page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for(timeout=1000 * START_S)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()
        page.wait_for_function(FINISHED, arg=cells, timeout=1000 * RUN_S, polling=200)

    def end_kernels(self) -> None:
        for session in self.ask("/api/sessions"):
            self.ask(f"/api/sessions/{session['id']}", "DELETE")


def figures_in(path: Path) -> int:
    """Return how many cells of a notebook show a figure: plain ones, the live plot, the editor."""
    cells = read_notebook(path).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    plain = sum(FIGURE in cell.metadata.get("tags", []) for cell in code)
    return plain + sum(bool(WIDGET.search(cell.source)) for cell in code)


def elsewhere(browser, address: str) -> list[str]:
    """Return what the page asked of others than the server."""
    own = (address, address.replace("http:", "ws:"), "data:", "blob:", "about:")
    return [url for url in browser.requests() if not url.startswith(own)]


@pytest.mark.parametrize("name", NAMES)
def test_all_cells_run_and_every_figure_is_drawn(lab, browser, name):
    lab.run_all(browser, name)

    assert browser.evaluate(ERRORS) == []
    expected = figures_in(lab.folder / "notebooks" / f"{name}.ipynb")
    browser.page.wait_for_function(
        f"expected => ({DRAWN})().filter(Boolean).length >= expected",
        arg=expected,
        timeout=1000 * DRAW_S,
    )
    assert elsewhere(browser, lab.address) == []
    lab.end_kernels()


def test_a_cell_that_fails_and_a_figure_that_is_not_there_are_noticed(lab, browser):
    cells = [
        nbformat.v4.new_code_cell("import plotly.graph_objects as go"),
        nbformat.v4.new_code_cell("go.Figure()"),
        nbformat.v4.new_code_cell("1 / 0"),
        nbformat.v4.new_code_cell("go.Figure(go.Scatter(y=[1, 2]))"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, lab.folder / "notebooks" / "broken.ipynb")

    lab.run_all(browser, "broken")

    (error,) = browser.evaluate(ERRORS)
    assert "ZeroDivisionError" in error
    assert browser.evaluate(f"({DRAWN})()") == [0]
    lab.end_kernels()
