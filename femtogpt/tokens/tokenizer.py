"""The tokenizer: sentencepiece's byte-pair encoding, set so that no character is ever lost.

``decode(encode(text)) == text`` for every text: no normalisation, no prefix, line ends as a
piece of their own, bytes for what has no piece.
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

import numpy as np
import sentencepiece as spm

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.disk import write_atomic
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.errors import UserError

TOKENIZER_FILE = "tokenizer.model"
LONGEST_LINE = 1 << 24  # bytes; sentencepiece skips longer lines in silence, by default past 4192
SPACE = "\u2581"  # sentencepiece's sign for a space: it cannot tell a real one from it
# Line ends are pieces of their own, so that a text can be cut after any of them and its ids are
# the same; of whole works, sentencepiece encodes a character in twice the time.
_CHUNK = re.compile(r"(?s:.{1,512})[^\n]*\n?")
_NONE = np.empty(0, dtype=np.int32)


def train_tokenizer(store: Store, config: Config, corpus: Artifact) -> Artifact:
    """The tokenizer of a corpus, trained on its train split alone: ``tokenizer.model``.

    Where the corpus is larger than ``sample_characters``, or sources have weights, it is trained
    on lines drawn from all over it, so that a source counts as in an epoch of the training. Where
    the settings name one, that is taken. Raises UserError where it is none.
    """
    settings = config.tokenizer
    if settings.path is not None:
        return _given(store, config, settings.path, corpus)
    weights = _weights(config)

    def build(folder: Path) -> dict:
        lines = sample(corpus, weights, settings.sample_characters)
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


def _given(store: Store, config: Config, path: Path, corpus: Artifact) -> Artifact:
    """The artifact of a tokenizer that is there already."""
    tokenizer = Tokenizer.load(path)
    model = _file(path)

    def build(folder: Path) -> dict:
        write_atomic(folder / TOKENIZER_FILE, model)
        return {"pieces": tokenizer.size}

    return store.make(recipe(config, corpus), build)


def _file(path: Path) -> bytes:
    """The bytes of a ``tokenizer.model``, or of that in a folder; UserError if it is missing."""
    try:
        return (path / TOKENIZER_FILE if path.is_dir() else path).read_bytes()
    except OSError as error:
        raise UserError(f"tokenizer.path: {path} cannot be read ({error.strerror})") from error


def sample(corpus: Artifact, weights: Mapping[str, float], most: int) -> Iterator[str]:
    """Lines of the train split: of each source its share, ``most`` characters in all.

    ``weights`` are relative to the largest, which is 1: of that source every line is taken,
    unless there is too much (``most`` is met about). Of the others lines are drawn, the same ones
    each time: every so many-th would fall in step with a text whose every other line is blank.
    """
    import polars as pl

    from femtogpt.corpus.schema import REPORT, parts

    report = json.loads((corpus.path / REPORT).read_text(encoding="utf-8"))
    sizes = {name: report[name]["splits"]["train"]["characters"] for name in weights}
    total = sum(weights[name] * size for name, size in sizes.items())
    draws = {name: random.Random(name) for name in weights}
    for source, file in parts(corpus, "train"):
        share, draw = weights[source] * min(1.0, most / max(1, total)), draws[source].random
        for text in pl.read_parquet(file, columns=["text"])["text"]:
            yield from (line for line in text.split("\n") if draw() < share)


def train(
    lines: Iterable[str],
    vocab_size: int,
    character_coverage: float = 0.9999,
    special: Sequence[str] = (),
    at_most: bool = False,
) -> bytes:
    """A sentencepiece model of ``vocab_size`` pieces, as bytes; the same lines give the same.

    What is ``special`` gets a piece of its own, whether it occurs or not, as the line end does.
    Raises UserError where the text is too small for so many pieces, unless ``at_most`` is true:
    then the model has as many as there are.
    """
    _check(special)
    model = io.BytesIO()
    try:
        spm.SentencePieceTrainer.train(
            sentence_iterator=(line for line in lines if line),
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
            eos_id=1,  # stands between documents: the end of one and the start of the next
            bos_id=-1,
            pad_id=-1,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        if "sentences_.empty" in str(error):
            raise UserError(
                f"tokenizer.vocab_size {vocab_size}: there is no text to train on, add text"
            ) from error
        if "ocabulary size" in str(error):
            raise UserError(
                f"tokenizer.vocab_size {vocab_size} does not suit this corpus"
                f" ({str(error).rsplit(']', 1)[-1].strip()}): choose another, or add text"
            ) from error
        raise
    return model.getvalue()


def _check(special: Sequence[str]) -> None:
    """UserError for a special piece that would not be one, or would be taken for another."""
    for number, piece in enumerate(special):
        if not piece or re.search(rf"[\s{SPACE}]|^<(unk|/s|0x[0-9A-F]{{2}})>$", piece):
            raise UserError(
                f"tokenizer.special {piece!r}: give signs or words, without any space or line end,"
                " and none of <unk>, </s>, <0x00> … <0xFF>"
            )
        if piece in special[:number]:
            raise UserError(f"tokenizer.special has {piece!r} twice: take one out")


class Tokenizer:
    """Text to token ids and back."""

    def __init__(self, model: bytes):
        self._pieces = spm.SentencePieceProcessor()
        self._pieces.LoadFromSerializedProto(model)
        self.size: int = self._pieces.vocab_size()
        self.boundary: int = self._pieces.eos_id()  # the id between documents
        self._space = [self._pieces.piece_to_id(f"<0x{byte:02X}>") for byte in SPACE.encode()]

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """From a ``tokenizer.model`` or the folder that holds one; UserError where it is none."""
        path = path / TOKENIZER_FILE if path.is_dir() else path
        try:
            return cls(path.read_bytes())
        except (OSError, RuntimeError) as error:
            raise UserError(
                f"{path} is no tokenizer: delete its folder, it is made again, or name another"
            ) from error

    @cached_property
    def pieces(self) -> list[str]:
        """The text of each id; empty for bytes, the boundary and the unknown."""
        return [
            "" if self._is_sign(id) else self._pieces.id_to_piece(id).replace(SPACE, " ")
            for id in range(self.size)
        ]

    @cached_property
    def bytes(self) -> np.ndarray:
        """The byte that each id stands for, int16 of shape (size,); -1: it is none."""
        values = np.full(self.size, -1, dtype=np.int16)
        for byte in range(256):
            values[self._pieces.piece_to_id(f"<0x{byte:02X}>")] = byte
        return values

    def _is_sign(self, id: int) -> bool:
        known = self._pieces
        return known.is_byte(id) or known.is_control(id) or known.is_unknown(id)

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without document boundaries."""
        return self.encode_documents([text])[0].tolist()

    def encode_documents(self, texts: Sequence[str], threads: int = 1) -> list[np.ndarray]:
        """The ids (int32, shape (tokens,)) of each text; threads do not change them."""
        cut = [_CHUNK.findall(text) for text in texts]
        chunks = [chunk for document in cut for chunk in document]
        encoded = self._pieces.encode(chunks, num_threads=threads, return_type="numpy")
        for number, chunk in enumerate(chunks):
            if SPACE in chunk:
                encoded[number] = self._spelled(chunk)
        ends = itertools.accumulate(map(len, cut), initial=0)
        return [
            np.concatenate([_NONE, *encoded[start:end]]) for start, end in itertools.pairwise(ends)
        ]

    def _spelled(self, text: str) -> np.ndarray:
        """The ids of a text with sentencepiece's own sign in it, which is spelled in bytes."""
        first, *rest = (self._pieces.encode(part) for part in text.split(SPACE))
        ids = first + [piece for part in rest for piece in (*self._space, *part)]
        return np.array(ids, dtype=np.int32)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; a document boundary gives nothing."""
        return self._pieces.decode([int(piece) for piece in ids])
