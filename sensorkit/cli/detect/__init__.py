"""`sensorkit detect`: a detector over a recording or a session."""
