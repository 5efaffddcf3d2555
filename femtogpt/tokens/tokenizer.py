"""The tokenizer: sentencepiece's byte-pair encoding, set so that no character is ever lost.

``decode(encode(text)) == text`` for every text: no normalisation, no prefix, line ends as a
piece of their own, bytes for what has no piece.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import sentencepiece as spm

from femtogpt.artifact import Artifact, Recipe, Store, write_whole
from femtogpt.config import Config
from femtogpt.errors import UserError

VERSION = 1
FILE = "tokenizer.model"
LONGEST_LINE = 1 << 24  # bytes; sentencepiece skips longer lines in silence, by default past 4192
SPACE = "\u2581"  # sentencepiece's sign for a space: it cannot tell a real one from it


def train_tokenizer(store: Store, config: Config, corpus: Artifact) -> Artifact:
    """The tokenizer of a corpus, trained on its train split alone: ``tokenizer.model``."""
    recipe = Recipe(
        "tokenizer", VERSION, config.tokenizer.model_dump(mode="json"), {"corpus": corpus}
    )

    def build(folder: Path) -> dict:
        model = train(_lines(corpus), **config.tokenizer.model_dump())
        write_whole(folder / FILE, model)
        return {"pieces": Tokenizer(model).size}

    return store.make(recipe, build)


def _lines(corpus: Artifact) -> Iterator[str]:
    import polars as pl

    from femtogpt.corpus.build import parts

    for _, file in parts(corpus, "train"):
        for text in pl.read_parquet(file, columns=["text"])["text"]:
            yield from text.splitlines()


def train(lines: Iterator[str], vocab_size: int, character_coverage: float = 0.9999) -> bytes:
    """A sentencepiece model of ``vocab_size`` pieces, as bytes; the same lines give the same.

    Raises UserError where the text is too small for so many pieces.
    """
    model = io.BytesIO()
    try:
        spm.SentencePieceTrainer.train(
            sentence_iterator=(line for line in lines if line),
            model_writer=model,
            model_type="bpe",
            vocab_size=vocab_size,
            character_coverage=character_coverage,
            byte_fallback=True,
            split_digits=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            add_dummy_prefix=False,
            allow_whitespace_only_pieces=True,
            user_defined_symbols=["\n"],
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


class Tokenizer:
    """Text to token ids and back."""

    def __init__(self, model: bytes):
        self._pieces = spm.SentencePieceProcessor(model_proto=model)
        self.size: int = self._pieces.vocab_size()
        self.boundary: int = self._pieces.eos_id()  # the id between documents
        self._space = [self._pieces.piece_to_id(f"<0x{byte:02X}>") for byte in SPACE.encode()]

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """From a ``tokenizer.model`` or the folder that holds one."""
        return cls((path / FILE if path.is_dir() else path).read_bytes())

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without document boundaries."""
        return self.encode_documents([text])[0].tolist()

    def encode_documents(self, texts: Sequence[str], threads: int = 1) -> list[np.ndarray]:
        """The ids (uint32) of each text.

        Texts are cut at line ends, which are pieces of their own, so that threads share even a
        single long text; the ids are the same.
        """
        lines, counts = [], []
        for text in texts:
            cut = text.split("\n")
            lines += cut
            counts.append(len(cut))
        encoded = self._pieces.encode(lines, num_threads=threads)
        newline = self._pieces.piece_to_id("\n")
        documents, start = [], 0
        for count in counts:
            ids: list[int] = []
            for number in range(start, start + count):
                if number > start:
                    ids.append(newline)
                line = lines[number]
                ids += encoded[number] if SPACE not in line else self._spelled(line)
            documents.append(np.array(ids, dtype=np.uint32))
            start += count
        return documents

    def _spelled(self, line: str) -> list[int]:
        """The ids of a line with sentencepiece's own sign in it, which is spelled in bytes."""
        first, *rest = (self._pieces.encode(part) for part in line.split(SPACE))
        return first + [piece for part in rest for piece in (*self._space, *part)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; a document boundary gives nothing."""
        return self._pieces.decode([int(piece) for piece in ids])
