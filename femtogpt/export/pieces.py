"""The tokenizer's pieces as other programs need them: text, score and type of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from sentencepiece import sentencepiece_model_pb2

from femtogpt.errors import UserError
from femtogpt.tokens.tokenizer import SPACE, TOKENIZER_FILE

# The names of the pieces that stand for no text. Other programs read a piece's name in a prompt as
# the piece, so these hold SPACE, which no text has: one with «</s>» in it is read as it is written.
END = f"<｜end{SPACE}of{SPACE}document｜>"
UNKNOWN = f"<｜unknown{SPACE}piece｜>"
_model_pb2: Any = sentencepiece_model_pb2  # protobuf adds its classes at run time


class PieceType(IntEnum):
    """What a piece is, by sentencepiece's numbers, which are GGUF's too."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True)
class Piece:
    """An entry of the vocabulary; its id is its place in the list."""

    text: str  # with SPACE for a space, or the name of what is no text
    score: float  # the higher, the sooner it is merged
    type: PieceType


@dataclass(frozen=True)
class Vocabulary:
    """The pieces by id, and which of them stands between documents."""

    pieces: list[Piece]
    end: int
    unknown: int

    @classmethod
    def load(cls, run: Path) -> Vocabulary:
        """Read the ``tokenizer.model`` in a run's folder.

        Raises UserError if there is none, or one that other programs would read differently.
        """
        file = run / TOKENIZER_FILE
        try:
            model = _model_pb2.ModelProto.FromString(file.read_bytes())
        except (OSError, DecodeError) as error:
            wrong = "is missing" if isinstance(error, FileNotFoundError) else "is no tokenizer"
            raise UserError(
                f"{file} {wrong}: copy the {TOKENIZER_FILE} that the model was trained with here"
            ) from error
        if problem := _problem(model):
            raise UserError(
                f"{file} {problem}, so that other programs would read texts differently: only"
                " tokenizers trained by femtogpt can be exported"
            )
        trainer = model.trainer_spec
        names = {trainer.unk_id: UNKNOWN, trainer.eos_id: END}
        pieces = [
            Piece(names.get(id, piece.piece), piece.score, PieceType(piece.type))
            for id, piece in enumerate(model.pieces)
        ]
        return cls(pieces, trainer.eos_id, trainer.unk_id)


def _problem(model: Any) -> str | None:
    """What of a sentencepiece model differs from those that we train."""
    trainer, normalizer = model.trainer_spec, model.normalizer_spec
    controls = [piece for piece in model.pieces if piece.type == PieceType.CONTROL]
    problems = {
        "has no byte-pair encoding": trainer.model_type != trainer.BPE,
        "has no pieces for bytes": not trainer.byte_fallback,
        "changes texts": bool(normalizer.precompiled_charsmap)
        or normalizer.remove_extra_whitespaces
        or not normalizer.escape_whitespaces,
        "begins each text with a space": normalizer.add_dummy_prefix,
        "has spaces at the ends of words": trainer.treat_whitespace_as_suffix,
        "has no single piece between documents": len(controls) != 1 or trainer.eos_id < 0,
        "has pieces that are not used": any(p.type == PieceType.UNUSED for p in model.pieces),
    }
    return next((words for words, is_so in problems.items() if is_so), None)
