"""The tokenizer in the form of Hugging Face's ``tokenizers``: tokenizer.json.

Written by ourselves: what transformers 5.24 makes of a ``tokenizer.model`` gives other ids. Pieces
have real spaces here, so that nothing is replaced in a text before it is cut, and SPACE itself is
spelled in bytes, as in training.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from femtogpt.export.pieces import END, UNKNOWN, Piece, PieceType, Vocabulary
from femtogpt.tokens.tokenizer import SPACE

WHOLE_PIECES = (PieceType.UNKNOWN, PieceType.CONTROL, PieceType.USER_DEFINED)  # never merged


def tokenizer_json(vocabulary: Vocabulary) -> dict[str, Any]:
    """The content of tokenizer.json: a text gets the ids of our tokenizer, after that of END."""
    end = {"SpecialToken": {"id": END, "type_id": 0}}
    first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            _added(id, piece)
            for id, piece in enumerate(vocabulary.pieces)
            if piece.type in WHOLE_PIECES
        ],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [end, first],
            "pair": [end, first, end, second],
            "special_tokens": {END: {"id": END, "ids": [vocabulary.end], "tokens": [END]}},
        },
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": UNKNOWN,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": {_text(piece): id for id, piece in enumerate(vocabulary.pieces)},
            "merges": list(_merges(vocabulary)),
        },
    }


def _text(piece: Piece) -> str:
    """A piece as it stands in a text; the names of END and UNKNOWN keep their SPACE."""
    is_text = piece.type in (PieceType.NORMAL, PieceType.USER_DEFINED)
    return piece.text.replace(SPACE, " ") if is_text else piece.text


def _added(id: int, piece: Piece) -> dict[str, Any]:
    """A piece that is found in a text before anything is merged."""
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    special = piece.type != PieceType.USER_DEFINED
    return {"id": id, "content": _text(piece), **flags, "special": special}


def _merges(vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    """The pairs of pieces that are merged, the first ones first.

    sentencepiece has no list of them: it merges any two pieces that make one, by that one's score.
    """
    normal = [piece for piece in vocabulary.pieces if piece.type == PieceType.NORMAL]
    known = {_text(piece) for piece in normal}
    for piece in sorted(normal, key=lambda piece: -piece.score):
        text = _text(piece)
        for place in range(1, len(text)):
            pair = text[:place], text[place:]
            if known.issuperset(pair):
                yield pair
