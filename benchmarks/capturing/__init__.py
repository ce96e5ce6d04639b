"""What benchmarks/capture.py is made of."""
