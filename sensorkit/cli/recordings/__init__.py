"""What is asked of a recording: show, verify, recover, replay, import, quality."""
