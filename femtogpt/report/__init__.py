"""The report of a run: its summary, its plot, and a page that needs nothing else."""
