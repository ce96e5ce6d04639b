"""`sensorkit evaluate` and `sensorkit report`: the main job, and its pages."""
