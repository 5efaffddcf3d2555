"""Train a small Russian GPT at home: a library of plain functions.

It is usable without an orchestrator and without a tracker. Its rooms stand in the order in which
the data flows, and each imports only from those before it::

    config, artifact   every setting; folders that are complete if they exist
    sources            where texts come from
    corpus             cleaning, checks and the split, as Parquet
    tokens             the tokenizer, token shards, the order of batches
    model              the GPT, and bits per character
    training           the loop and its parts
    reading            evaluation, samples and the report
"""

__version__ = "0.1.0"
