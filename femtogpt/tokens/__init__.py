"""From text to token shards: the tokenizer, the shards and the order of batches."""
