"""What notebooks import: set-up, an emulated device to capture, progress, figures."""

from sensorkit.notebook.device import capture_emulated, emulated
from sensorkit.notebook.figures import charts, plot, summary
from sensorkit.notebook.work import Work, progress, progress_of, setup
from sensorkit.report.campaign import campaign

__all__ = [
    "Work",
    "campaign",
    "capture_emulated",
    "charts",
    "emulated",
    "plot",
    "progress",
    "progress_of",
    "setup",
    "summary",
]
