"""What changed since an earlier run of the same data, and the trend over the last ones."""
