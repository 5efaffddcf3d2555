"""From raw texts to a clean corpus in Parquet, split by whole works.

The modules in the order in which the data flows:

1. ``build``: the stage, from which the others are called; ``schema``: the files that it writes.
2. ``source_corpus``: one source's documents on their way through all steps.
3. ``clean``: applies to a batch the cleaning rules (``rules/``) and the document filters
   (``quality``, with ``text_stats``, ``repetition``, ``language_detection``, ``mojibake`` and
   ``vocabulary``).
   ``balance`` follows every letter (``letter_counts``, ``utf8``); ``losses`` notes what a rule
   took, with the longest ``stretches``; ``chapters`` splits large works if asked to.
4. ``dedup``: finds near-duplicates by MinHash, from the word n-grams of ``shingles``.
5. ``split``: chooses the works that are held out.
6. ``corpus_shards``: writes the documents that train and those rejected. ``overlap`` cuts held-out
   passages from train; ``match_index`` finds them (with ``rolling_hash``, ``letters``,
   ``packed_texts``).
7. ``split_proof``: reads the result again to prove that no held-out text is in train.

For people: ``corpus_report`` (``balance_report``), ``corpus_warnings``, ``document_view``,
``cleaning_diff``, ``longest_stretches``, ``rule_listing`` and ``html_page``. For several machines
at one corpus: ``exchange``.
"""
