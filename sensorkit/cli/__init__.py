"""The `sensorkit` command: one module a family of commands."""

import sys

from sensorkit.cli.interrupting import heeded


def main() -> None:
    """Run the command line; Ctrl+C stops it from the first moment on."""
    with heeded():
        try:
            from sensorkit.cli import app  # a third of a second
        except KeyboardInterrupt:
            sys.exit(130)
        app.main()
