"""The GPT and the one definition of its quality."""
