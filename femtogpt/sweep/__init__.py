"""Sweeps: which settings to try, what came of each, and which are the best."""
