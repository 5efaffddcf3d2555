"""From raw texts to a clean corpus in Parquet, split by whole works."""
