"""A recording on disk: read one, write one."""

from sensorkit.capture.reader import Recording
from sensorkit.capture.tables import LABEL_COLUMNS
from sensorkit.capture.writer import RecordingWriter, write_recording

__all__ = ["LABEL_COLUMNS", "Recording", "RecordingWriter", "write_recording"]
