"""What a trained model knows and writes: held-out figures, samples and a report."""
