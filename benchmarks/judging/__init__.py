"""What benchmarks/quality.py is made of: a module for each body of labelled data."""
