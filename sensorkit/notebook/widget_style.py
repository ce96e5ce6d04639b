"""How figures look that live in JupyterLab: on any background, for they do not know which."""

from __future__ import annotations

from typing import Any

GREY_TEXT = "#808080"
"""Can be read on white (3.9 : 1) and on JupyterLab's dark (4.8 : 1)."""

SEE_THROUGH = "rgba(0, 0, 0, 0)"


def on_any_background(layout: dict[str, Any]) -> dict[str, Any]:
    """Return *layout* without a background of its own, its axes in a grey that is seen on all."""
    axes = {
        name: {
            **axis,
            "gridcolor": "rgba(128, 128, 128, 0.25)",
            "linecolor": GREY_TEXT,
            "zeroline": False,
        }
        for name, axis in layout.items()
        if name.startswith(("xaxis", "yaxis"))
    }
    return {
        **layout,
        **axes,
        "paper_bgcolor": SEE_THROUGH,
        "plot_bgcolor": SEE_THROUGH,
        "font": {"color": GREY_TEXT},
        "modebar": {"bgcolor": SEE_THROUGH, "color": GREY_TEXT},
    }
