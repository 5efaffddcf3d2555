"""From text to token shards: tokenizer, shards, reports about both, and the order of batches."""
