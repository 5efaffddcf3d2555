"""How surprising the pieces of a text are to a model."""

from __future__ import annotations

import math

import pytest
import torch

from femtogpt.generation.surprise import surprises
from femtogpt.tokens.tokenizer import Tokenizer, train
from tests.tiny import lively, shape

LINES = ["мама мыла раму", "у рамы мама, у мамы рама"]
TOKENIZER = Tokenizer(train(iter(LINES * 20), 300, at_most=True))
CONTEXT = 8
MODEL = lively(shape(context=CONTEXT), TOKENIZER.size)


def nats(ids: list[int]) -> torch.Tensor:
    """The model's own loss at each of ``ids`` after the first."""
    whole = torch.tensor([ids])
    return MODEL.nats(whole[:, :-1], whole[:, 1:])[0]


def test_bits_are_those_of_the_models_loss():
    text = "мама мыла"
    ids = [TOKENIZER.eos, *TOKENIZER.encode(text)]
    assert len(ids) <= CONTEXT
    pieces = surprises(MODEL, TOKENIZER, text)
    assert [piece.text for piece in pieces] == [TOKENIZER.pieces[id] for id in ids[1:]]
    expected = (nats(ids) / math.log(2)).tolist()
    assert [piece.bits for piece in pieces] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("times", [1, 2, 3, 7])
def test_a_longer_text_is_read_in_windows_of_half_a_context_and_more(times):
    text = "у рамы мама, " * times
    ids = [TOKENIZER.eos, *TOKENIZER.encode(text)]
    pieces = surprises(MODEL, TOKENIZER, text)
    assert "".join(piece.text for piece in pieces) == text
    for place in range(CONTEXT + 1, len(ids)):
        end = min(len(ids) - 1, CONTEXT + -(-(place - CONTEXT) // 4) * 4)  # of its window
        window = ids[end - CONTEXT : end + 1]
        expected = nats(window)[place - end - 1].item() / math.log(2)
        assert pieces[place - 1].bits == pytest.approx(expected, rel=1e-3)


def test_a_character_without_a_piece_is_one_piece_with_the_bits_of_all_its_bytes():
    pieces = surprises(MODEL, TOKENIZER, "Ѣ😀м")
    assert [piece.text for piece in pieces] == ["Ѣ", "😀", "м"]
    ids = [TOKENIZER.eos, *TOKENIZER.encode("Ѣ😀м")]
    expected = nats(ids).sum().item() / math.log(2)
    assert sum(piece.bits for piece in pieces) == pytest.approx(expected, rel=1e-4)


def test_the_likeliest_alternatives_come_first_with_their_chances():
    for piece in surprises(MODEL, TOKENIZER, "мама мыла раму", most=4):
        chances = [other.chance for other in piece.alternatives]
        assert len(chances) == 4 and chances == sorted(chances, reverse=True)
        assert 0 < sum(chances) <= 1
        for other in piece.alternatives:
            if other.text == piece.text:
                assert other.chance == pytest.approx(2**-piece.bits, rel=1e-3)
            assert other.chance >= 2**-piece.bits or piece.bits < -math.log2(chances[-1]) + 1e-6
    everything = surprises(MODEL, TOKENIZER, "м", most=10**6)[0].alternatives
    assert sum(other.chance for other in everything) == pytest.approx(1, rel=1e-4)
    assert {"", "<0xD0>", "м"} <= {other.text for other in everything}


def test_an_empty_text_has_no_pieces():
    assert surprises(MODEL, TOKENIZER, "") == []
