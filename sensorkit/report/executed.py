"""Executed notebooks as pages that can be read offline and run nothing that a device said."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

import bleach  # type: ignore[import-untyped]
from markupsafe import escape
from nbconvert.exporters import HTMLExporter
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from traitlets.config import Config

from sensorkit.display.formats import visible
from sensorkit.report.files import write_text
from sensorkit.report.pages import TEMPLATES, script_json
from sensorkit.report.parameters import read_notebook

PLOTLY = "application/vnd.plotly.v1+json"
TABLE_TAGS = ("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td")
TAGS = {
    *bleach.ALLOWED_TAGS,
    *TABLE_TAGS,
    *("div", "span", "p", "pre", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "dl", "dt", "dd"),
}
# pandas puts its own style before a table; without the element its text would show.
STYLE = re.compile(r"<style\b.*?</style\s*>", re.DOTALL | re.IGNORECASE)


def clean_html(html: str) -> str:
    """Return *html* with the elements that show text and tables, and no others.

    >>> clean_html("<table><tr><th scope='col'>x</th></tr></table><img src=x onerror=a()>")
    '<table><tbody><tr><th scope="col">x</th></tr></tbody></table>'
    """
    cleaned: str = bleach.clean(
        STYLE.sub("", html),
        tags=TAGS,
        attributes={"*": ["class", "scope", "colspan", "rowspan"], "a": ["href", "title"]},
        protocols=["https", "http"],
        strip=True,
    )
    return cleaned


def plotly_figure(output: Any) -> str:
    """Return the element that plots.js draws for a plotly output of a notebook."""
    spec = output["data"][PLOTLY]
    layout = {key: value for key, value in spec["layout"].items() if key != "template"}
    alt = (layout.pop("meta", None) or {}).get("alt", "A figure of this notebook")
    height = int(layout.get("height") or 360)
    drawn = script_json({"data": spec["data"], "layout": {**layout, "height": height}})
    return (
        f'<figure data-plot><div class="plot" role="img" aria-label="{escape(visible(alt))}" '
        f'style="min-height:{height}px"></div>'
        f'<script type="application/json">{drawn}</script></figure>'
    )


def _exporter() -> HTMLExporter:
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        extra_template_basedirs=[str(TEMPLATES)],
        template_name="executed",
        config=Config({"HTMLExporter": {"sanitize_html": True}}),
    )
    exporter.register_filter("clean_html", clean_html)  # type: ignore[no-untyped-call]
    exporter.register_filter("plotly_figure", plotly_figure)  # type: ignore[no-untyped-call]
    return exporter


def _code_style() -> str:
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"


def render_notebooks(folder: Path, *, plotly: str, back: str) -> list[Path]:
    """Write a page beside each notebook in *folder*.

    Parameters
    ----------
    folder : Path
    plotly, back : str
        Where the page finds plotly.js and the report, relative to *folder*.

    Returns
    -------
    list of Path
        The pages, in the order of their names.
    """
    exporter = _exporter()
    pages = []
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    plots = (TEMPLATES / "plots.js").read_text(encoding="utf-8")
    for path in sorted(folder.glob("*.ipynb")):
        own = {
            "nonce": secrets.token_urlsafe(18),
            "plotly": plotly,
            "back": back,
            "style": style,
            "code_style": _code_style(),
            "plots": plots,
        }
        resources = {"metadata": {"name": path.stem}, "sensorkit": own}
        body, _ = exporter.from_notebook_node(read_notebook(path), resources)
        pages.append(path.with_suffix(".html"))
        write_text(pages[-1], body)
    return pages
