"""Training: the loop and its parts. ``python -m femtogpt.training`` runs it as a process."""
