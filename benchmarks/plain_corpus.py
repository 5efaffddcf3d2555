"""What one would write otherwise: one process, ``re``, exact duplicates, Parquet.

::

    python plain_corpus.py archive.zip out.parquet

It does less than the corpus stage: no metadata, no filter except the length, no near-duplicates, no
split, no proof. Prints one line of JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
import zipfile

import pyarrow
import pyarrow.parquet
from cleaning_regexes import cleaned


def main(archive: str, out: str) -> None:
    start = time.perf_counter()
    names, texts, seen = [], [], set()
    with zipfile.ZipFile(archive) as zipped:
        for name in sorted(zipped.namelist()):
            if not name.endswith(".txt"):
                continue
            raw = zipped.read(name)
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                text = raw.decode("cp1251")
            text = cleaned(text)
            digest = hashlib.md5(re.sub(r"\W+", "", text.lower()).encode()).digest()
            if len(text) >= 200 and digest not in seen:
                seen.add(digest)
                names.append(name)
                texts.append(text)
    table = pyarrow.table({"id": names, "text": texts})
    pyarrow.parquet.write_table(table, out, compression="zstd")
    print(json.dumps({"seconds": time.perf_counter() - start, "documents": len(names)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
