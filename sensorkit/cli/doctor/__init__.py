"""`sensorkit doctor`: what a machine needs in order to capture."""
