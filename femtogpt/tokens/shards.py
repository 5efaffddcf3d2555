"""Token shards: raw little-endian ids on disk, read through a memory map.

Layout of the artifact, and of any folder that training accepts::

    index.json                      dtype, vocabulary size, eos id; tokens by split and source
    tokenizer.model                 the tokenizer that made the shards
    <split>/<source>/00000.bin      ids without a header, as numpy.memmap and nanoGPT read them
    <split>/<source>/00000.json     the shard's documents: id, start, tokens, characters

A shard is ``E doc E doc E … doc E`` with E the eos id: each document follows one and ends with one.
The index keeps the eos id under ``boundary``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.errors import UserError
from femtogpt.parallel import Item, Result, in_order, workers
from femtogpt.progress import progress
from femtogpt.tokens.tokenizer import TOKENIZER_FILE, Tokenizer

INDEX = "index.json"
UINT16_PIECES = 1 << 16  # the largest vocabulary whose ids fit into two bytes
SHARD_TOKENS = 1 << 26  # a shard ends with the document that reaches this size


@dataclass(frozen=True)
class Entry:
    """One document of a shard."""

    id: str
    start: int  # position in the shard of the eos before the document
    tokens: int  # without eos
    characters: int
    entropy_bits: float | None


@dataclass(frozen=True)
class Shard:
    """Ids on disk."""

    path: Path
    tokens: int
    dtype: str

    @cached_property
    def ids(self) -> np.ndarray:
        """All ids, of shape (tokens,), as a read-only memory map.

        Raises UserError if the file is missing or has the wrong size.
        """
        size = self.tokens * np.dtype(self.dtype).itemsize
        if not self.path.is_file() or self.path.stat().st_size != size:
            raise UserError(
                f"{self.path} should have {size} bytes: delete its folder to have it made again"
            )
        return np.memmap(self.path, dtype=self.dtype, mode="r", shape=(self.tokens,))

    def documents(self) -> list[Entry]:
        """The shard's documents, in order. Raises UserError if the list of them is damaged."""
        path = self.path.with_suffix(".json")
        try:
            return [Entry(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError) as error:
            raise UserError(
                f"{path} is no list of documents: delete its folder to have it made again"
            ) from error


class Tokens:
    """A folder of token shards."""

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        try:
            self.index = json.loads((self.folder / INDEX).read_text(encoding="utf-8"))
            self.vocab_size: int = self.index["vocab_size"]
            self.eos: int = self.index["boundary"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.folder} holds no token shards: no valid {INDEX}") from error

    def tokenizer(self) -> Tokenizer:
        """The tokenizer that made the shards."""
        return Tokenizer.load(self.folder)

    def shards(self, split: str) -> dict[str, list[Shard]]:
        """The shards of a split, by source."""
        return {
            source: [
                Shard(
                    self.folder / split / source / f"{number:05d}.bin", tokens, self.index["dtype"]
                )
                for number, tokens in enumerate(part["shards"])
            ]
            for source, part in self.index["splits"][split].items()
        }

    def longest(self, split: str) -> int | None:
        """Tokens of the longest document of a split; None if the index does not have it."""
        lengths = [source.get("longest") for source in self.index["splits"][split].values()]
        return None if None in lengths else max(lengths, default=None)

    def total(self, split: str, unit: str = "tokens") -> int:
        """The size of a split in ``unit``: tokens, documents or characters."""
        return sum(source[unit] for source in self.index["splits"][split].values())


def write_tokens(store: Store, config: Config, corpus: Artifact, tokenizer: Artifact) -> Artifact:
    """Encode a corpus into token shards by split and source."""

    def build(folder: Path) -> dict[str, Any]:
        from femtogpt.corpus.schema import SPLITS, parts

        encoder = Tokenizer.load(tokenizer.path)
        (folder / TOKENIZER_FILE).write_bytes((tokenizer.path / TOKENIZER_FILE).read_bytes())
        dtype = "<u2" if encoder.size <= UINT16_PIECES else "<u4"
        writers: dict[tuple[str, str], _ShardWriter] = {}
        files = [(split, *part) for split in SPLITS for part in parts(corpus, split)]
        total = corpus.counts["train_characters"] + corpus.counts["held_out_characters"]
        done, threads = 0, workers()
        with progress("tokens", total, "characters") as update:
            contents = _prefetched(_read, (file for _, _, file in files))
            for (split, source, _), (texts, rows) in zip(files, contents, strict=True):
                if (split, source) not in writers:
                    writers[split, source] = _ShardWriter(
                        folder / split / source, dtype, encoder.eos
                    )
                for ids, row in zip(encoder.encode_documents(texts, threads), rows, strict=True):
                    writers[split, source].add(ids, **row)
                    done += row["characters"]
                update(done)
        splits: dict[str, dict[str, Any]] = {split: {} for split in SPLITS}
        for (split, source), writer in writers.items():
            splits[split][source] = writer.close()
        index = {
            "dtype": dtype,
            "vocab_size": encoder.size,
            "boundary": encoder.eos,
            "splits": splits,
        }
        (folder / INDEX).write_text(
            json.dumps(index, ensure_ascii=False, indent=1), encoding="utf-8"
        )
        return _counts(splits)

    return store.make(recipe(corpus, tokenizer), build)


def recipe(corpus: Artifact, tokenizer: Artifact) -> Recipe:
    """What determines the token shards."""
    return Recipe("tokens", code_of(__name__), {}, {"corpus": corpus, "tokenizer": tokenizer})


def _read(file: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """The texts of one of the corpus's Parquet files, and the fields that the shard keeps."""
    import polars as pl

    frame = pl.read_parquet(file, columns=["id", "text", "characters", "entropy_bits"])
    return frame["text"].to_list(), frame.drop("text").to_dicts()


def _prefetched(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """``map(function, items)``, with the next result computed in a thread meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        yield from in_order(pool, function, items, 2)


def _counts(splits: Mapping[str, Mapping[str, dict[str, Any]]]) -> dict[str, Any]:
    counts = {
        f"{split}_{unit}": sum(source[unit] for source in sources.values())
        for split, sources in splits.items()
        for unit in ("tokens", "documents", "characters")
    }
    characters = sum(value for name, value in counts.items() if name.endswith("_characters"))
    tokens = sum(value for name, value in counts.items() if name.endswith("_tokens"))
    return {**counts, "characters_per_token": round(characters / tokens, 3)}


class _ShardWriter:
    """Writes the shards of one source in one split, one after another."""

    def __init__(self, folder: Path, dtype: str, eos: int):
        self.folder, self.dtype = folder, dtype
        self.eos = np.array([eos], dtype=dtype).tobytes()
        self.shards: list[int] = []  # tokens of each finished one
        self.documents = self.characters = self.longest = 0
        self.file: BinaryIO | None = None
        self.tokens = 0  # in the open shard
        self.entries: list[dict[str, Any]] = []
        folder.mkdir(parents=True)

    def add(self, ids: np.ndarray, id: str, characters: int, entropy_bits: float | None) -> None:
        """Append a document."""
        if self.file is None:
            self.file = (self.folder / f"{len(self.shards):05d}.bin").open("wb")
            self.file.write(self.eos)
            self.tokens, self.entries = 1, []
        self.entries.append(
            {
                "id": id,
                "start": self.tokens - 1,
                "tokens": len(ids),
                "characters": characters,
                "entropy_bits": entropy_bits,
            }
        )
        self.file.write(ids.astype(self.dtype).tobytes())
        self.file.write(self.eos)
        self.tokens += len(ids) + 1
        self.documents += 1
        self.characters += characters
        self.longest = max(self.longest, len(ids))
        if self.tokens >= SHARD_TOKENS:
            self._finish_shard()

    def _finish_shard(self) -> None:
        if self.file is None:
            return
        self.file.close()
        self.file = None
        entries = json.dumps(self.entries, ensure_ascii=False)
        path = self.folder / f"{len(self.shards):05d}.json"
        path.write_text(entries, encoding="utf-8")
        self.shards.append(self.tokens)

    def close(self) -> dict[str, Any]:
        """Finish the last shard and return the counts for the index."""
        self._finish_shard()
        return {
            # All tokens but the first eos of each shard are predicted.
            "tokens": sum(self.shards) - len(self.shards),
            "documents": self.documents,
            "characters": self.characters,
            "longest": self.longest,  # tokens of the longest document
            "shards": self.shards,
        }
