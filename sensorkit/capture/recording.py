"""A recording on disk: read one, write one."""

from sensorkit.capture.reader import Recording
from sensorkit.capture.writer import RecordingWriter, write_recording
from sensorkit.faults.labels import LABEL_COLUMNS

__all__ = ["LABEL_COLUMNS", "Recording", "RecordingWriter", "write_recording"]
