"""The configuration: where each option's value comes from, and `sensorkit config`."""
