"""The quality of a trained model: held-out figures and a report."""
