"""Run `python -m sensorkit` where the `sensorkit` command is not on the path."""

from sensorkit.cli import main

if __name__ == "__main__":
    main()
