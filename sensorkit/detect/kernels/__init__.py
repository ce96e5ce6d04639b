"""Compiled numerics of the detectors: numbers in, numbers out, no reading and no detector."""

import sys

LARGEST = sys.float_info.max
"""Stands for an infinite score, so that a threshold above it exists."""
