"""From raw texts to a clean corpus in Parquet, split by whole works.

The modules in the order in which the data flows:

1. ``build``: the stage, from which the others are called; ``schema``: the files that it writes.
2. ``source_corpus``: one source's documents on their way through all steps.
3. ``clean``: a batch through the cleaning rules (``rules/``) and the document filters
   (``quality``, with ``text_stats``, ``repetition``, ``language_detection``, ``mojibake`` and
   ``vocabulary``).
4. ``dedup``: near-duplicates by MinHash, from the word n-grams of ``shingles``.
5. ``split``: which whole works are held out.
6. ``corpus_shards``: the train and the rejected documents written; ``overlap`` cuts from train what
   is held out, found by ``match_index`` (with ``rolling_hash``, ``letters``, ``packed_texts``).
7. ``split_proof``: what was written is read again, to prove that no held-out text is in train.

For people: ``corpus_report``, ``document_view``, ``cleaning_diff``, ``rule_listing`` and
``html_page``. For several machines at one corpus: ``exchange``.
"""
