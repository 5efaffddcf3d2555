"""The tokenizer: sentencepiece's byte-pair encoding, configured so that no character is ever lost.

``decode(encode(text)) == text`` for every text: there is no normalisation and no prefix, the line
end is a piece of its own, and characters without a piece are spelled in bytes.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece as spm

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.disk import write_atomic
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.errors import UserError

TOKENIZER_FILE = "tokenizer.model"
LONGEST_LINE = 1 << 24  # bytes; sentencepiece silently skips longer lines (by default 4192 bytes)
SPACE = "\u2581"  # sentencepiece's sign for a space: it cannot tell this character from a space
# Line ends are pieces of their own, so a text can be cut after any of them without changing its
# ids. Encoding whole works at once takes twice the time per character.
_CHUNK = re.compile(r"(?s:.{1,512})[^\n]*\n?")
_NO_IDS = np.empty(0, dtype=np.int32)


def train_tokenizer(store: Store, config: Config, corpus: Artifact) -> Artifact:
    """Train the tokenizer (``tokenizer.model``) on the train split of a corpus.

    If the corpus is larger than ``sample_characters`` or its sources have weights, it is trained on
    lines drawn from all over the corpus, in which a source's share is that in a training epoch. If
    the settings name a tokenizer, that one is used. Raises UserError if it is not valid.
    """
    settings = config.tokenizer
    if settings.path is not None:
        return _existing(store, config, settings.path, corpus)
    weights = _weights(config)

    def build(folder: Path) -> dict[str, Any]:
        lines = sample_lines(corpus, weights, settings.sample_characters)
        model = train(lines, settings.vocab_size, settings.character_coverage, settings.special)
        write_atomic(folder / TOKENIZER_FILE, model)
        return {"pieces": Tokenizer(model).size}

    return store.make(recipe(config, corpus), build)


def recipe(config: Config, corpus: Artifact) -> Recipe:
    """What determines the tokenizer. Raises UserError where the settings name one that is none."""
    settings = config.tokenizer
    names = {"": "tokenizer", "weights": "sources.*.weight", "model": "=the file tokenizer.path"}
    if settings.path is not None:
        model = hashlib.sha256(_file(settings.path)).hexdigest()
        return Recipe("tokenizer", code_of(__name__), {"model": model}, names=names)
    return Recipe(
        "tokenizer",
        code_of(__name__),
        {**settings.model_dump(mode="json", exclude={"path"}), "weights": _weights(config)},
        {"corpus": corpus},
        names=names,
    )


def _weights(config: Config) -> dict[str, float]:
    """How much each source counts, relative to the one that counts most."""
    most = max(source.weight for source in config.sources.values())
    return {name: source.weight / most for name, source in config.sources.items()}


def _existing(store: Store, config: Config, path: Path, corpus: Artifact) -> Artifact:
    """The artifact of a tokenizer that already exists."""
    tokenizer = Tokenizer.load(path)
    model = _file(path)

    def build(folder: Path) -> dict[str, Any]:
        write_atomic(folder / TOKENIZER_FILE, model)
        return {"pieces": tokenizer.size}

    return store.make(recipe(config, corpus), build)


def _file(path: Path) -> bytes:
    """The bytes of a ``tokenizer.model``, or of that in a folder; UserError if it is missing."""
    try:
        return (path / TOKENIZER_FILE if path.is_dir() else path).read_bytes()
    except OSError as error:
        raise UserError(f"tokenizer.path: {path} cannot be read ({error.strerror})") from error


def sample_lines(corpus: Artifact, weights: Mapping[str, float], limit: int) -> Iterator[str]:
    """Lines of the train split, from each source its share, about ``limit`` characters at most.

    ``weights`` are relative to the largest, which is 1: every line of that source is used unless
    ``limit`` is exceeded. Lines of the others are drawn at random, always the same ones; taking
    every n-th line instead would go wrong where every other line is blank.
    """
    import polars as pl

    from femtogpt.corpus.schema import REPORT, parts

    report = json.loads((corpus.path / REPORT).read_text(encoding="utf-8"))
    sizes = {name: report[name]["splits"]["train"]["characters"] for name in weights}
    total = sum(weights[name] * size for name, size in sizes.items())
    draws = {name: random.Random(name) for name in weights}
    for source, file in parts(corpus, "train"):
        share, draw = weights[source] * min(1.0, limit / max(1, total)), draws[source].random
        for text in pl.read_parquet(file, columns=["text"])["text"]:
            yield from (line for line in text.split("\n") if draw() < share)


def train(
    lines: Iterable[str],
    vocab_size: int,
    character_coverage: float = 0.9999,
    special: Sequence[str] = (),
    at_most: bool = False,
) -> bytes:
    """Train a sentencepiece model of ``vocab_size`` pieces, returned as bytes; deterministic.

    Each string in ``special``, like the line end, becomes a piece whether it occurs or not. Raises
    UserError if the text is too small for so many pieces, unless ``at_most`` is true: the model is
    then as large as the text allows.
    """
    _check_special(special)
    model = io.BytesIO()
    raised: list[BaseException] = []

    def sentences() -> Iterator[str]:
        try:
            yield from (line for line in lines if line)
        except GeneratorExit:
            raise
        except BaseException as error:
            raised.append(error)
            raise

    try:
        spm.SentencePieceTrainer.train(
            sentence_iterator=sentences(),
            model_writer=model,
            model_type="bpe",
            vocab_size=vocab_size,
            hard_vocab_limit=not at_most,
            character_coverage=character_coverage,
            byte_fallback=True,
            split_digits=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            add_dummy_prefix=False,
            allow_whitespace_only_pieces=True,
            user_defined_symbols=["\n", *special],
            max_sentence_length=LONGEST_LINE,
            unk_id=0,
            eos_id=1,  # between documents: the end of one and the start of the next
            bos_id=-1,
            pad_id=-1,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        if raised:  # by the lines, a stop among them: sentencepiece makes this error of any
            raise raised[0] from None
        if "sentences_.empty" in str(error):
            raise UserError(
                f"tokenizer.vocab_size {vocab_size}: there is no text to train on; add text"
            ) from error
        if "ocabulary size" in str(error):
            raise UserError(
                f"tokenizer.vocab_size {vocab_size} does not suit this corpus"
                f" ({str(error).rsplit(']', 1)[-1].strip()}): choose another, or add text"
            ) from error
        raise
    return model.getvalue()


def _check_special(special: Sequence[str]) -> None:
    """Raise UserError for a special piece that is empty, ambiguous or repeated."""
    for number, piece in enumerate(special):
        if not piece or re.search(rf"[\s{SPACE}]|^<(unk|/s|0x[0-9A-F]{{2}})>$", piece):
            raise UserError(
                f"tokenizer.special {piece!r}: give signs or words without spaces or line ends,"
                " other than <unk>, </s> and <0x00> … <0xFF>"
            )
        if piece in special[:number]:
            raise UserError(f"tokenizer.special has {piece!r} twice: remove one")


class Tokenizer:
    """Text to token ids and back."""

    def __init__(self, model: bytes):
        self._processor = spm.SentencePieceProcessor()
        self._processor.LoadFromSerializedProto(model)
        self.size: int = self._processor.vocab_size()
        self.eos: int = self._processor.eos_id()  # the id between documents
        self._space = [self._processor.piece_to_id(f"<0x{byte:02X}>") for byte in SPACE.encode()]

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Load a ``tokenizer.model``, or the one in a folder. Raises UserError if it is invalid."""
        path = path / TOKENIZER_FILE if path.is_dir() else path
        try:
            return cls(path.read_bytes())
        except (OSError, RuntimeError) as error:
            raise UserError(
                f"{path} is no tokenizer: put the right one there, or name another"
            ) from error

    @classmethod
    def of_model(cls, run: Path, pieces: int) -> Tokenizer:
        """That beside a model of so many pieces. Raises UserError if it is invalid or another's."""
        tokenizer = cls.load(run)
        if tokenizer.size != pieces:
            raise UserError(
                f"{run}: the model has {pieces} pieces, but the tokenizer beside it"
                f" {tokenizer.size}: put the one that it was trained with there"
            )
        return tokenizer

    @cached_property
    def pieces(self) -> list[str]:
        """The text of each id; empty for bytes, eos and the unknown piece."""
        return [
            "" if self._has_no_text(id) else self._processor.id_to_piece(id).replace(SPACE, " ")
            for id in range(self.size)
        ]

    @cached_property
    def bytes(self) -> np.ndarray:
        """The byte that each id stands for, int16 of shape (size,); -1 if it is not a byte."""
        values = np.full(self.size, -1, dtype=np.int16)
        for byte in range(256):
            values[self._processor.piece_to_id(f"<0x{byte:02X}>")] = byte
        return values

    def _has_no_text(self, id: int) -> bool:
        processor = self._processor
        return bool(processor.is_byte(id) or processor.is_control(id) or processor.is_unknown(id))

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without eos."""
        ids: list[int] = self.encode_documents([text])[0].tolist()
        return ids

    def encode_documents(self, texts: Sequence[str], threads: int = 1) -> list[np.ndarray]:
        """The ids of each text, int32 of shape (tokens,), whatever the number of threads."""
        documents = [_CHUNK.findall(text) for text in texts]
        chunks = [chunk for document in documents for chunk in document]
        encoded = self._processor.encode(chunks, num_threads=threads, return_type="numpy")
        for number, chunk in enumerate(chunks):
            if SPACE in chunk:
                encoded[number] = self._encode_space_sign(chunk)
        ends = itertools.accumulate(map(len, documents), initial=0)
        return [
            np.concatenate([_NO_IDS, *encoded[start:end]])
            for start, end in itertools.pairwise(ends)
        ]

    def _encode_space_sign(self, text: str) -> np.ndarray:
        """The ids of a text that contains SPACE itself, which has to be spelled in bytes."""
        first, *rest = (self._processor.encode(part) for part in text.split(SPACE))
        ids = first + [piece for part in rest for piece in (*self._space, *part)]
        return np.array(ids, dtype=np.int32)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids; eos adds nothing to it."""
        text: str = self._processor.decode([int(piece) for piece in ids])
        return text
