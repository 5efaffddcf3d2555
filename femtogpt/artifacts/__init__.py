"""Content-addressed folders: every stage's result, with the manifest of what it was made from."""
