"""The pictures of docs/gallery.md: what each shows, where that is found, how it is kept small."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

DESK, PHONE = 1200, 390
COLOURS = 160
"""A page has few colours: a palette makes a picture a third as large, and nobody sees it."""


@dataclass(frozen=True)
class Picture:
    """A picture of a page of a report, or of a notebook in JupyterLab."""

    name: str
    page: str
    """A page of the run (`report`, `index`, `compare`), or the notebook that is run for it."""
    selector: str = ""
    """What is shown of it; the top of the page where nothing is said."""
    width: int = DESK
    height: int = 820
    """At most; what is longer is cut there."""
    dark: bool = False


REPORT = (
    Picture("verdict", "report", "#verdict"),
    Picture("changes", "report", "#changes", height=700),
    Picture("trend", "report", "#changes .trend", height=700),
    Picture("detectors", "report", "#detectors", height=860),
    Picture("heat-map", "report", "#kinds", height=960),
    Picture("smallest", "report", "#smallest", height=640),
    Picture("curves", "report", "#smallest .curves", height=860),
    Picture("worst", "report", "#worst", height=900),
    Picture("quality", "report", "#capture", height=700),
    Picture("provenance", "report", "#provenance", height=700),
    Picture("report-dark", "report", width=DESK, height=900, dark=True),
    Picture("report-phone", "report", width=PHONE, height=844),
    Picture("report-phone-dark", "report", "#kinds", width=PHONE, height=844, dark=True),
    Picture("compare", "compare", height=1100),
    Picture("index", "index", height=700),
)
LAB = (
    Picture("plot", "plot", ".jp-NotebookPanel", height=840),
    Picture("live-plot", "live", ".jp-NotebookPanel", height=840),
    Picture("fault-editor", "editor", ".jp-NotebookPanel", height=960),
)
PICTURES = REPORT + LAB


def cut(page: Page, picture: Picture) -> bytes:
    """Return the picture as PNG, of at most its height."""
    if not picture.selector:
        return page.screenshot(
            clip={"x": 0, "y": 0, "width": picture.width, "height": picture.height}
        )
    box = page.locator(picture.selector).first.bounding_box()
    if box is None:
        raise SystemExit(f"{picture.name}: {picture.selector} is not on the page {picture.page}")
    top = page.evaluate("window.scrollY")
    return page.screenshot(
        full_page=True,
        clip={
            "x": max(0.0, box["x"] - 8),
            "y": box["y"] + top,
            "width": min(box["width"] + 16, picture.width - max(0.0, box["x"] - 8)),
            "height": min(box["height"], picture.height),
        },
    )


def keep(png: bytes, path: Path) -> None:
    """Write a picture with a palette, as small as it gets without a difference to be seen."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    small = image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
