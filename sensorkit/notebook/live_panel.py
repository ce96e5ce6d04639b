"""What stands around a live plot in JupyterLab: the status line, the stop button, what was said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import ipywidgets  # type: ignore[import-untyped]
import plotly.graph_objects as go

from sensorkit.display import formats
from sensorkit.display.formats import visible
from sensorkit.notebook.live_capture import Said
from sensorkit.notebook.live_tail import OFFLINE
from sensorkit.readings import isoformat

SHOWN = 5
"""Alerts in the list under the plot, the newest first."""

# A sign as well as a colour: no one is told by colour alone.
_SIGNS = {
    "NORMAL": ("●", "#2e7d32"),
    "alive": ("●", "#2e7d32"),
    "WARNING": ("▲", "#b26a00"),
    "CRITICAL": ("■", "#c62828"),
    OFFLINE: ("○", "#c62828"),
}


class Panel:
    """The status line and the stop button above the figure, alerts and hints under it.

    Parameters
    ----------
    figure : FigureWidget
    where : str
        The folder of the recording.
    stop : callable
        What the button does.
    """

    def __init__(self, figure: go.Figure, where: str, stop: Callable[[], None]) -> None:
        self._stop = stop
        self.status = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 20em"))
        self.button = ipywidgets.Button(
            description="Stop",
            icon="stop",
            tooltip="End the capture in good order; the recording stays",
            layout=ipywidgets.Layout(width="8em", flex="0 0 auto"),
        )
        self.button.on_click(self._pressed)
        self.said = ipywidgets.HTML()
        head = ipywidgets.HBox(
            [self.status, self.button],
            layout=ipywidgets.Layout(flex_flow="row wrap", align_items="center"),
        )
        self._where = where
        self.box = ipywidgets.VBox([head, figure, self.said])

    def show(
        self,
        state: str,
        facts: Sequence[str],
        alerts: Sequence[Said],
        hints: Sequence[str],
        *,
        of: int,
    ) -> None:
        """Show how things stand.

        Parameters
        ----------
        state : str
        facts : sequence of str
            Stand behind it in the status line.
        alerts : sequence of Said
            The newest last.
        hints : sequence of str
            What the capture has told its user.
        of : int
            Alerts there have been.
        """
        sign, colour = _SIGNS.get(state, ("●", "inherit"))
        line = " · ".join(escape(visible(fact)) for fact in facts)
        self.status.value = (
            f'<span style="color:{colour}">{sign}</span> '
            f"<strong>{escape(visible(state))}</strong> · {line}"
        )
        self.said.value = _listed(alerts[-SHOWN:], hints, of) + (
            f"<p>recording: <code>{escape(visible(self._where))}</code></p>"
        )

    def end(self) -> None:
        """Take the button out of use: there is nothing left to stop."""
        self.button.description = "Stopped"
        self.button.disabled = True

    def _pressed(self, _: ipywidgets.Button) -> None:
        self.button.description = "Stopping"
        self.button.disabled = True
        self._stop()


def _listed(alerts: Sequence[Said], hints: Sequence[str], of: int) -> str:
    """Return alerts and hints as HTML; nothing of them can act."""
    parts = [f'<p role="alert">{escape(visible(hint))}</p>' for hint in hints]
    if alerts:
        more = f"the last {len(alerts)} of " if of > len(alerts) else ""
        rows = "".join(
            f"<li>{escape(formats.second(isoformat(alert.time_ns)))} <b>{alert.severity}</b> "
            f"{escape(visible(alert.type))}: {escape(visible(alert.description))}</li>"
            for alert in reversed(alerts)
        )
        parts.append(f"<p>{more}{of} {'alert' if of == 1 else 'alerts'}</p><ul>{rows}</ul>")
    return f'<div style="line-height: 1.5">{"".join(parts)}</div>'
