"""Where texts come from: one small class per kind of source, found by entry point."""
