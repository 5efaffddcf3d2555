"""Sweeps: the settings to try, the result of each trial, and the best ones."""
