"""Train a small Russian GPT at home: a library of plain functions.

It works without an orchestrator and without a tracker. Its rooms are listed in the order in which
data flows through them; docs/architecture.md shows which imports which::

    config, artifacts   every setting; folders that are complete if they exist
    sources             where texts come from
    corpus              cleaning, filters and the split, as Parquet
    tokens              the tokenizer, token shards, the order of batches
    model               the GPT, and bits per character
    generation          sampling from a model
    training            the loop and its parts
    evaluation          held-out figures, and baselines
    report              all about a run: a summary and a page
    sweep               trying settings
"""

__version__ = "0.2.0"
