"""`sensorkit capture`: one link, recorded and watched."""
