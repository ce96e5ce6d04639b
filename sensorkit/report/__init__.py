"""Run the notebooks, keep what they found, and show it: run folders, report.json, HTML."""
