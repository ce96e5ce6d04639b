"""The pages: a run, all runs, a public benchmark, the executed notebooks."""
