"""What a text has verbatim from the training text."""
