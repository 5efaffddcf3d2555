"""Token shards: raw little-endian ids on disk, read by memory map.

Layout of the artifact (and of any folder that training accepts)::

    index.json                      dtype, vocabulary, boundary id; tokens by split and source
    tokenizer.model                 the tokenizer that made them
    <split>/<source>/00000.bin      ids without a header: what numpy.memmap and nanoGPT read
    <split>/<source>/00000.json     the shard's documents: id, start, tokens, characters

A shard is ``B doc B doc B … doc B`` with B the boundary id: each document's first token follows a
boundary and its end is one.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.errors import UserError
from femtogpt.parallel import workers
from femtogpt.progress import progress
from femtogpt.tokens.tokenizer import TOKENIZER_FILE, Tokenizer

INDEX = "index.json"
NARROW = 1 << 16  # pieces whose ids fit into two bytes
Item = TypeVar("Item")
Result = TypeVar("Result")
SHARD = 1 << 26  # tokens in a shard, about: it ends with the document that reaches this


@dataclass(frozen=True)
class Entry:
    """One document of a shard."""

    id: str
    start: int  # of the boundary before it, in tokens from the shard's start
    tokens: int  # without boundaries
    characters: int
    entropy_bits: float | None


@dataclass(frozen=True)
class Shard:
    """Ids on disk; ``ids`` maps them into memory as they are read."""

    path: Path
    tokens: int
    dtype: str

    @cached_property
    def ids(self) -> np.ndarray:
        """All ids, shape (tokens,), as a read-only memory map; UserError for a wrong size."""
        size = self.tokens * np.dtype(self.dtype).itemsize
        if not self.path.is_file() or self.path.stat().st_size != size:
            raise UserError(
                f"{self.path} should have {size} bytes: delete its folder, it is made again"
            )
        return np.memmap(self.path, dtype=self.dtype, mode="r", shape=(self.tokens,))

    def documents(self) -> list[Entry]:
        """The documents in it, in order; UserError where its list of them is damaged."""
        path = self.path.with_suffix(".json")
        try:
            return [Entry(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError) as error:
            raise UserError(
                f"{path} is no list of documents: delete its folder, it is made again"
            ) from error


class Tokens:
    """A folder of token shards."""

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        try:
            self.index = json.loads((self.folder / INDEX).read_text(encoding="utf-8"))
            self.vocab_size: int = self.index["vocab_size"]
            self.boundary: int = self.index["boundary"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.folder} holds no token shards: no readable {INDEX}") from error

    def tokenizer(self) -> Tokenizer:
        """The tokenizer that made the shards."""
        return Tokenizer.load(self.folder)

    def shards(self, split: str) -> dict[str, list[Shard]]:
        """The shards of a split by source."""
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
        """Tokens of the longest document of a split; None where the index does not say."""
        known = [part.get("longest") for part in self.index["splits"][split].values()]
        return None if None in known else max(known, default=None)

    def total(self, split: str, what: str = "tokens") -> int:
        """Tokens, documents or characters of a split."""
        return sum(part[what] for part in self.index["splits"][split].values())


def write_tokens(store: Store, config: Config, corpus: Artifact, tokenizer: Artifact) -> Artifact:
    """The token shards of a corpus, by split and source."""

    def build(folder: Path) -> dict:
        from femtogpt.corpus.schema import SPLITS, parts

        encoder = Tokenizer.load(tokenizer.path)
        (folder / TOKENIZER_FILE).write_bytes((tokenizer.path / TOKENIZER_FILE).read_bytes())
        dtype = "<u2" if encoder.size <= NARROW else "<u4"
        writers: dict[tuple[str, str], _Writer] = {}
        files = [(split, *part) for split in SPLITS for part in parts(corpus, split)]
        total = corpus.counts["train_characters"] + corpus.counts["held_out_characters"]
        done, threads = 0, workers()
        with progress("tokens", total, "characters") as update:
            read = _ahead(_read, (file for _, _, file in files))
            for (split, source, _), (texts, rows) in zip(files, read, strict=True):
                if (split, source) not in writers:
                    place = folder / split / source
                    writers[split, source] = _Writer(place, dtype, encoder.boundary)
                for ids, row in zip(encoder.encode_documents(texts, threads), rows, strict=True):
                    writers[split, source].add(ids, **row)
                    done += row["characters"]
                update(done)
        splits: dict[str, dict] = {split: {} for split in SPLITS}
        for (split, source), writer in writers.items():
            splits[split][source] = writer.close()
        index = {
            "dtype": dtype,
            "vocab_size": encoder.size,
            "boundary": encoder.boundary,
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


def _read(file: Path) -> tuple[list[str], list[dict]]:
    """The texts of a Parquet file of a corpus, and what the shard says of each."""
    import polars as pl

    frame = pl.read_parquet(file, columns=["id", "text", "characters", "entropy_bits"])
    return frame["text"].to_list(), frame.drop("text").to_dicts()


def _ahead(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The results in order; while one is worked on, the next is made in a thread."""
    with ThreadPoolExecutor(1) as pool:
        coming: deque[Future[Result]] = deque()
        for item in items:
            coming.append(pool.submit(function, item))
            if len(coming) > 1:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def _counts(splits: Mapping[str, Mapping[str, dict]]) -> dict:
    counts = {
        f"{split}_{what}": sum(part[what] for part in sources.values())
        for split, sources in splits.items()
        for what in ("tokens", "documents", "characters")
    }
    characters = sum(value for name, value in counts.items() if name.endswith("_characters"))
    tokens = sum(value for name, value in counts.items() if name.endswith("_tokens"))
    return {**counts, "characters_per_token": round(characters / tokens, 3)}


class _Writer:
    """Writes one source's part of a split, shard after shard."""

    def __init__(self, folder: Path, dtype: str, boundary: int):
        self.folder, self.dtype = folder, dtype
        self.boundary = np.array([boundary], dtype=dtype)
        self.shards: list[int] = []
        self.documents = self.characters = self.longest = 0
        self.file = None
        folder.mkdir(parents=True)

    def add(self, ids: np.ndarray, id: str, characters: int, entropy_bits: float | None) -> None:
        """Append a document."""
        if self.file is None:
            self.file = (self.folder / f"{len(self.shards):05d}.bin").open("wb")
            self.file.write(self.boundary.tobytes())
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
        self.file.write(self.boundary.tobytes())
        self.tokens += len(ids) + 1
        self.documents += 1
        self.characters += characters
        self.longest = max(self.longest, len(ids))
        if self.tokens >= SHARD:
            self._end()

    def _end(self) -> None:
        self.file.close()
        self.file = None
        entries = json.dumps(self.entries, ensure_ascii=False)
        path = self.folder / f"{len(self.shards):05d}.json"
        path.write_text(entries, encoding="utf-8")
        self.shards.append(self.tokens)

    def close(self) -> dict:
        """End the last shard; the counts for the index."""
        if self.file is not None:
            self._end()
        return {
            "tokens": sum(self.shards) - len(self.shards),  # all but the first are predicted
            "documents": self.documents,
            "characters": self.characters,
            "longest": self.longest,  # document, in tokens
            "shards": self.shards,
        }
