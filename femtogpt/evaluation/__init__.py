"""The quality of a trained model: held-out figures, and baselines beside them."""
