"""A page on this machine to read what models write, and to judge it."""
