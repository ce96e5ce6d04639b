"""From a link to a folder on disk, and back: record, read, verify, replay, import."""

from sensorkit.capture.recording import LABEL_COLUMNS, Recording, RecordingWriter, write_recording
from sensorkit.capture.session import Session

__all__ = ["LABEL_COLUMNS", "Recording", "RecordingWriter", "Session", "write_recording"]
