"""What one would use otherwise for the corpus: datatrove, doing the closest equivalent work.

Runs in an environment of its own, which ``make bench-data`` creates::

    python datatrove_corpus.py archive.zip folder workers

It reads texts from the zip, applies regular expressions and Gopher's filters for Russian, removes
near-duplicates by MinHash and writes Parquet. The filters' limits are loosened so that it keeps the
same documents and the later steps have the same work. It has no split and no proof. Prints one line
of JSON.
"""

from __future__ import annotations

import json
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

from cleaning_regexes import cleaned
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.formatters.base import BaseFormatter
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.readers.base import BaseReader
from datatrove.pipeline.writers import ParquetWriter


class Texts(BaseReader):
    """Reads the .txt files in a zip."""

    name = "zip"

    def __init__(self, archive: str):
        super().__init__()
        self.archive = archive

    def run(self, data=None, rank: int = 0, world_size: int = 1):
        with zipfile.ZipFile(self.archive) as zipped:
            names = sorted(name for name in zipped.namelist() if name.endswith(".txt"))
            for name in names[rank::world_size]:
                raw = zipped.read(name)
                try:
                    text = raw.decode()
                except UnicodeDecodeError:
                    text = raw.decode("cp1251")
                yield self.get_document_from_dict({"text": text, "id": name}, name, 0)


class Cleaning(BaseFormatter):
    """Applies the regular expressions."""

    name = "rules"

    def format(self, text: str) -> str:
        return cleaned(text)


def main(archive: str, folder: str, workers: str) -> None:
    out, count = Path(folder), int(workers)

    def run(name: str, steps: list, tasks: int = count) -> None:
        logs = str(out / "logs" / name)
        LocalPipelineExecutor(steps, tasks=tasks, workers=count, logging_dir=logs).run()

    start = time.perf_counter()
    always: dict[str, Any] = {
        "max_doc_words": None,
        "max_avg_word_length": None,
        "min_stop_words": 0,
    }
    always |= {"min_doc_words": 1, "min_avg_word_length": None, "max_symbol_word_ratio": None}
    always |= {"max_non_alpha_words_ratio": None, "max_ellipsis_lines_ratio": None}
    open_limits: dict[str, Any] = {
        "dup_line_frac": 1.0,
        "dup_para_frac": 1.0,
        "dup_line_char_frac": 1.0,
    }
    open_limits |= {"dup_para_char_frac": 1.0, "top_n_grams": ((2, 1.0), (3, 1.0), (4, 1.0))}
    open_limits |= {"dup_n_grams": tuple((n, 1.0) for n in range(5, 11))}
    run(
        "clean",
        [
            Texts(archive),
            Cleaning(),
            GopherRepetitionFilter(language="ru", **open_limits),
            GopherQualityFilter(language="ru", **always),
            ParquetWriter(str(out / "clean"), compression="zstd"),
            MinhashDedupSignature(str(out / "signatures"), language="ru"),
        ],
    )
    run("buckets", [MinhashDedupBuckets(str(out / "signatures"), str(out / "buckets"))], tasks=14)
    run("cluster", [MinhashDedupCluster(str(out / "buckets"), str(out / "remove"))], tasks=1)
    run(
        "write",
        [
            ParquetReader(str(out / "clean")),
            MinhashDedupFilter(str(out / "remove")),
            ParquetWriter(str(out / "documents"), compression="zstd"),
        ],
    )
    seconds = time.perf_counter() - start

    import pyarrow.parquet

    files = [*(out / "documents").glob("*.parquet")]
    kept = sum(pyarrow.parquet.read_metadata(file).num_rows for file in files)
    print(json.dumps({"seconds": seconds, "documents": kept}))


if __name__ == "__main__":
    main(*sys.argv[1:])
