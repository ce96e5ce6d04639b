"""What notebooks import: set-up, an emulated device to capture, progress, figures."""

from sensorkit.notebook.device import capture_emulated, emulated
from sensorkit.notebook.fault_editor import FaultEditor, fault_editor
from sensorkit.notebook.figures import charts, summary
from sensorkit.notebook.live import live
from sensorkit.notebook.live_view import Live
from sensorkit.notebook.work import Work, progress, progress_of, setup
from sensorkit.report.running.campaign import campaign

__all__ = [
    "FaultEditor",
    "Live",
    "Work",
    "campaign",
    "capture_emulated",
    "charts",
    "emulated",
    "fault_editor",
    "live",
    "progress",
    "progress_of",
    "setup",
    "summary",
]
