"""An n-gram model over token ids: a baseline for every training, and a teacher of small ones."""
