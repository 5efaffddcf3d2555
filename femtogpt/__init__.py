"""Train a small Russian GPT at home: sources, corpus, tokens, model, training and reading.

A library of plain functions that is usable without an orchestrator and without a tracker.
"""

__version__ = "0.1.0"
