"""Run the grid: cells in processes that can be stopped, kept on disk once they are done."""
