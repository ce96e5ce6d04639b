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

from sensorkit.display.formats import count, visible
from sensorkit.evaluate.figures.choosing import ROWS_SHOWN
from sensorkit.report.files import write_text
from sensorkit.report.pages import TEMPLATES, script_json
from sensorkit.report.parameters import read_notebook
from sensorkit.report.shortened import tame_outputs
from sensorkit.report.views.thinned import SUMMARY, summary, thinned

PLOTLY = "application/vnd.plotly.v1+json"
TABLE_TAGS = ("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td")
TAGS = {
    *bleach.ALLOWED_TAGS,
    *TABLE_TAGS,
    *("div", "span", "p", "pre", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "dl", "dt", "dd"),
}
EMPTY_HEAD = re.compile(r"<th\b[^>]*>\s*</th>")
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
    # The corner of a pandas table is a head of nothing.
    return EMPTY_HEAD.sub("<td></td>", cleaned)


def plotly_figure(output: Any) -> str:
    """Return the element that plots.js draws for a plotly output of a notebook."""
    spec = output["data"][PLOTLY]
    layout = {key: value for key, value in spec["layout"].items() if key != "template"}
    alt = (layout.pop("meta", None) or {}).get("alt", "A figure of this notebook")
    height = int(layout.get("height") or 360)
    data = [thinned(trace) for trace in spec["data"]]
    drawn = script_json(
        {"data": [trace for trace, _ in data], "layout": {**layout, "height": height}}
    )
    return (
        f'<figure data-plot><div class="plot" role="img" aria-label="{escape(visible(alt))}" '
        f'style="min-height:{height}px"></div>'
        f'<script type="application/json">{drawn}</script>'
        f"{_left_out(data)}{_numbers(data)}</figure>"
    )


def _left_out(data: list[tuple[dict[str, Any], int]]) -> str:
    """Return how many points are not drawn, as a paragraph; "" if all are."""
    had = sum(n for _, n in data)
    if not had:
        return ""
    kept = sum(len(trace["y"]) for trace, n in data if n)
    return (
        f'<p class="note">Drawn with {count(kept)} of {count(had)} points; the lowest and the '
        "highest of each stretch are kept.</p>"
    )


def _numbers(data: list[tuple[dict[str, Any], int]]) -> str:
    """Return what the traces hold as a table: points, and the ends of both axes."""
    rows = [row for row in (summary(trace, n) for trace, n in data) if row is not None]
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in SUMMARY)
    body = "".join(
        f'<tr><th scope="row">{escape(visible(name))}</th>'
        + "".join(f"<td>{escape(visible(cell))}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rows[:ROWS_SHOWN]
    )
    return (
        "<details><summary>The numbers</summary>"
        '<div class="scroll" tabindex="0" role="group" aria-label="The traces of this figure">'
        f"<table><caption>The traces of this figure</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div></details>"
    )


def _exporter() -> HTMLExporter:
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        extra_template_basedirs=[str(TEMPLATES)],
        template_name="executed",
        # The links beside headings lead to ids that the cleaning of Markdown drops.
        config=Config({"HTMLExporter": {"sanitize_html": True, "exclude_anchor_links": True}}),
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
        notebook = read_notebook(path)
        tame_outputs(notebook)
        body, _ = exporter.from_notebook_node(notebook, resources)
        pages.append(path.with_suffix(".html"))
        write_text(pages[-1], body)
    return pages
