"""How surprising each piece of a text is to a model, and what it expected instead."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from femtogpt.generation.text_stream import TextStream
from femtogpt.model.gpt import GPT
from femtogpt.tokens.tokenizer import Tokenizer


@dataclass(frozen=True)
class Alternative:
    """What a model might have written."""

    text: str  # of a part of a character its byte, as <0xD0>; empty: the end of the document
    chance: float


@dataclass(frozen=True)
class Piece:
    """A piece of a text; several that spell one character are one."""

    text: str
    bits: float
    alternatives: tuple[Alternative, ...]  # the likeliest first; to the first part of a character


def surprises(model: GPT, tokenizer: Tokenizer, text: str, most: int = 5) -> list[Piece]:
    """The pieces of a text from the start of a document, with ``most`` alternatives to each.

    A text longer than the context is read in windows, each half a context after the one before:
    but for the first pieces, half a context or more lies before each.
    """
    ids = [tokenizer.eos, *tokenizer.encode(text)]
    device = next(model.parameters()).device
    bits: list[float] = []
    likeliest: list[list[Alternative]] = []
    for begin, first, end in _windows(len(ids) - 1, model.config.context):
        window = torch.tensor(ids[begin : end + 1], device=device)
        chances = _chances(model, window[:-1])[first - begin :]  # (T, V)
        targets = window[first - begin + 1 :, None]
        bits += (-chances.gather(1, targets)[:, 0] / math.log(2)).tolist()
        top = chances.topk(min(most, tokenizer.size))
        for values, others in zip(top.values.tolist(), top.indices.tolist(), strict=True):
            pairs = zip(others, values, strict=True)
            likeliest.append([Alternative(_text(tokenizer, id), math.exp(it)) for id, it in pairs])
    return list(_whole(tokenizer, ids[1:], bits, likeliest))


def _windows(count: int, context: int) -> Iterator[tuple[int, int, int]]:
    """Where each window of ``count`` predictions begins, the first it adds, and where it ends."""
    first, end = 0, min(context, count)
    while first < count:
        yield max(0, end - context), first, end
        first, end = end, min(end + max(1, context // 2), count)


@torch.no_grad()
def _chances(model: GPT, ids: Tensor) -> Tensor:
    """Log-probabilities (T, V) of the token after each of ``ids`` (T,)."""
    return torch.log_softmax(model(ids[None])[0].float(), dim=-1)


def _text(tokenizer: Tokenizer, id: int) -> str:
    byte = int(tokenizer.bytes[id])
    return f"<0x{byte:02X}>" if byte >= 0 else tokenizer.pieces[id]


def _whole(
    tokenizer: Tokenizer, ids: list[int], bits: list[float], likeliest: list[list[Alternative]]
) -> Iterator[Piece]:
    """Pieces with whole characters."""
    stream, start = TextStream(tokenizer), 0
    for place, id in enumerate(ids):
        if text := stream.add(id):
            yield Piece(text, sum(bits[start : place + 1]), tuple(likeliest[start]))
            start = place + 1
