"""From a link to a folder on disk, and back: record, read, verify, replay, import."""

from sensorkit.capture.recording import LABEL_COLUMNS, Recording, RecordingWriter, write_recording

__all__ = ["LABEL_COLUMNS", "Recording", "RecordingWriter", "write_recording"]
