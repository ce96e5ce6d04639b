"""`sensorkit capture A B C`: several links, a process each."""
