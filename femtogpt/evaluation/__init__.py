"""What a trained model is worth: held-out figures and a report."""
