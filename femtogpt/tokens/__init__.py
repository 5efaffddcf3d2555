"""From text to token shards: the tokenizer, the shards, looks at both, the order of batches."""
