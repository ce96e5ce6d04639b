"""Parts of the detector benchmark: each has `run` and `table`."""
