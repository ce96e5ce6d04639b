"""The `sensorkit` command: one module a family of commands."""

from sensorkit.cli.app import main

__all__ = ["main"]
