"""The GPT, and the definition of its quality: bits per character."""
