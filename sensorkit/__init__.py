"""Capture a serial sensor without losing a byte, and find out which fault detector to trust."""

__version__ = "0.1.0"
