"""The data stages, timed one by one, each as a program of its own.

::

    python data_stages.py corpus archive.zip data    raw and corpus: from the archive to Parquet
    python data_stages.py tokens archive.zip data [8000]
                                                     also tokenizer (pieces) and shards
    python data_stages.py sentencepiece data         bare encoding, 2 threads
    python data_stages.py wiki dump.xml.bz2          a dump to documents
    python data_stages.py notes archive.zip          one text of 20 MB with notes in each part

Each prints one line of JSON. The library is imported inside the functions, because worker
processes import this module too.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory


def corpus(archive: str, data: str) -> dict:
    config = _config(archive, data)
    start = time.perf_counter()
    artifact = _corpus(config)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "made": artifact.made, "counts": dict(artifact.counts)}


def tokens(archive: str, data: str, pieces: str = "8000") -> dict:
    from femtogpt.artifacts.store import Store
    from femtogpt.tokens.shards import write_tokens
    from femtogpt.tokens.tokenizer import train_tokenizer

    config = _config(archive, data, f"tokenizer.vocab_size={pieces}")
    start = time.perf_counter()
    artifact = _corpus(config)
    tokenizer = train_tokenizer(Store(data), config, artifact)
    before = time.perf_counter()
    shards = write_tokens(Store(data), config, artifact, tokenizer)
    end = time.perf_counter()
    return {
        "seconds": end - start,
        "encode_seconds": end - before,
        "made": shards.made,
        "tokens": shards.counts["train_tokens"] + shards.counts["held_out_tokens"],
        "folder": str(shards.path),
    }


def sentencepiece(data: str) -> dict:
    """The bare library on the same texts: whole documents, and lines, which it encodes faster."""
    import polars as pl
    import sentencepiece as spm

    from femtogpt.artifacts.lookup import find
    from femtogpt.corpus.schema import SPLITS, parts
    from femtogpt.tokens.tokenizer import TOKENIZER_FILE

    artifact = find("corpus", None, Path(data))
    model = str(find("tokenizer", None, Path(data)).path / TOKENIZER_FILE)
    processor = spm.SentencePieceProcessor(model_file=model)
    files = [file for split in SPLITS for _, file in parts(artifact, split)]
    texts = [text for file in files for text in pl.read_parquet(file)["text"]]
    lines = [line for text in texts for line in text.split("\n")]
    seconds = {}
    for name, batch in (("documents", texts), ("lines", lines)):
        start = time.perf_counter()
        count = sum(map(len, processor.encode(batch, num_threads=2)))
        seconds[name] = time.perf_counter() - start
    return {"seconds": seconds, "tokens": count}


def wiki(dump: str) -> dict:
    from femtogpt.sources.wiki import Wiki

    with TemporaryDirectory() as folder:
        source = Wiki(path=Path(dump))
        raw = Path(folder)
        source.fetch(raw)
        start = time.perf_counter()
        articles = characters = 0
        for document in source.documents(raw):
            articles += 1
            characters += len(document.text)
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "articles": articles, "characters": characters}


def notes(archive: str, megabytes: float = 20) -> dict:
    """Clean one edition of the archive's prose, with notes «Примечания» in each of its parts."""
    from zipfile import ZipFile

    from femtogpt.config import CorpusConfig
    from femtogpt.corpus.clean import Batch, batches, clean
    from femtogpt.corpus.rules import EDITION
    from femtogpt.sources.base import Document
    from femtogpt.sources.encodings import decode

    parts: list[str] = []
    size, paragraphs = 0, []
    with ZipFile(archive) as zipped:
        for name in zipped.namelist():
            text = decode(zipped.read(name)) if name.lower().endswith(".txt") else None
            lines = map(str.strip, (text or "").split("\n"))
            paragraphs += [line for line in lines if 200 < len(line) < 2000]
            while len(paragraphs) >= 60 and size < 1e6 * megabytes:
                parts.append(_part(len(parts) + 1, paragraphs[:60]))
                size += len(parts[-1].encode())
                del paragraphs[:60]
            if size >= 1e6 * megabytes:
                break
    with TemporaryDirectory() as folder:
        (rows,) = batches(iter([Document("edition", "".join(parts))]))
        batch = Batch(rows, EDITION, CorpusConfig(), Path(folder, "cleaned/edition.arrow"))
        start = time.process_time()
        effects = clean(batch).rules
        seconds = time.process_time() - start
    taken = effects["gathered_notes"].losses.taken
    return {"cpu_seconds": seconds, "megabytes": size / 1e6, "letters_of_notes": taken}


def _part(number: int, paragraphs: list[str]) -> str:
    """A part of an edition with a note on every fourth paragraph."""
    marked = [
        f"{text}[{place // 4 + 1}]" if place % 4 == 0 else text
        for place, text in enumerate(paragraphs)
    ]
    notes = [f"[{note}] Слово объяснено для части {number} (франц.)." for note in range(1, 16)]
    return "\n".join([f"Часть {number}", "", *marked, "", "Примечания", "", *notes, "", ""])


def _config(archive: str, data: str, *settings: str):
    from femtogpt.config_file import load_config, read_source

    if Path(archive).is_dir():  # there are several archives
        rules = read_source("classics")["rules"]
        source = f"{{kind: files, path: {archive}, rules: [{', '.join(rules)}]}}"
        settings = (f"sources.classics={source}", *settings)
        return load_config("classics", [f"paths.data={data}", *settings])
    return load_config("classics", [f"paths.data={data}", *settings], Path(archive))


def _corpus(config):
    from femtogpt.artifacts.store import Store
    from femtogpt.corpus.build import build_corpus
    from femtogpt.sources.fetch import fetch

    store = Store(config.paths.data)
    raws = {name: fetch(store, name, source) for name, source in config.sources.items()}
    return build_corpus(store, config, raws)


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    print(json.dumps(globals()[name](*arguments)))
