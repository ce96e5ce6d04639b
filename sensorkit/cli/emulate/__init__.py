"""`sensorkit emulate` and `sensorkit inject`: devices and faults made to order."""
