"""What all pages share: templates, escaping, a nonce, and plotly.js beside them."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs_version
from plotly.offline.offline import __file__ as plotly_offline

from sensorkit.display.formats import seconds, visible
from sensorkit.report.terms import linked

TEMPLATES = Path(__file__).parent / "templates"
LINK = re.compile(r"<\s*/?\s*a\b", re.IGNORECASE)
PLOTLY_JS = Path(plotly_offline).parents[1] / "package_data" / "plotly.min.js"


def script_json(value: Any) -> Markup:
    r"""Return *value* as JSON that cannot end the script element it stands in.

    >>> script_json({"x": "</script>"})
    Markup('{"x": "\\u003c/script>"}')
    """
    text = json.dumps(_calm(value), ensure_ascii=True, allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no `<` is left in it


def _calm(value: Any) -> Any:
    """Return *value* with texts that show what a device said, and let none of it act.

    plotly.js takes a few tags out of the texts of a figure; links are the ones that lead away.
    """
    match value:
        case str():
            if value.isprintable() and "<" not in value:
                return value
            return LINK.sub(lambda tag: f"&lt;{tag[0][1:]}", visible(value))
        case Mapping():
            return {key: _calm(item) for key, item in value.items()}
        case list() | tuple():
            return [_calm(item) for item in value]
    return value


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        # Every {{ value }} passes here first; autoescape then does the markup.
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"script_json": script_json, "seconds": seconds, "terms": linked}
    return environment


def page(
    template: str, *, title: str, plotly: str, plotly_code: Markup | None = None, **values: Any
) -> str:
    """Return the page that *template* makes, with a nonce of its own.

    Parameters
    ----------
    template : str
        File name in `templates/`.
    plotly : str
        Where the page finds plotly.js.
    plotly_code : Markup, optional
        plotly.js itself, for a page that stands alone.
    """
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            plotly=plotly,
            plotly_code=plotly_code,
            nonce=secrets.token_urlsafe(18),
            style=_own("style.css"),
            plots=_own("plots.js"),
            **values,
        )
    )


def _own(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704 - our own file


def plotly_code() -> Markup:
    """Return plotly.js for a page that holds it."""
    text = PLOTLY_JS.read_text(encoding="utf-8")
    # It has none today; one would end the element that it stands in.
    return Markup(text.replace("</script", "<\\/script"))  # noqa: S704 - the installed plotly


def plotly_asset(out: Path) -> str:
    """Copy the plotly.js that the installed plotly brings beside the reports, once.

    Returns
    -------
    str
        Its place under *out*, with forward slashes.
    """
    name = f"plotly-{get_plotlyjs_version()}.min.js"
    target = out / "assets" / name
    if not target.exists() or target.stat().st_size != PLOTLY_JS.stat().st_size:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(f".{secrets.token_hex(4)}.tmp")
        shutil.copyfile(PLOTLY_JS, temporary)
        temporary.replace(target)
    return f"assets/{name}"
