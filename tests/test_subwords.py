"""Steps of the embedding that tokens share by their spelling: ``train.subword_rate``."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.config import TrainConfig
from femtogpt.model.gpt import GPT
from femtogpt.tokens.tokenizer import Tokenizer
from femtogpt.training.optimizer import Optimizer
from femtogpt.training.plan import plan
from femtogpt.training.subwords import LONGEST, SubwordSteps, shared_ngrams
from tests.helpers import quick
from tests.tiny import (
    course,
    outcome,
    readable,
    settings,
    shape,
    trained,
    trained_with_stops,
    write_tokens,
)

PIECES = ["рукой", "рукою", " рук", "небо", "я", ""]


def ngrams(piece: str) -> set[str]:
    """By definition: every part of 1 to LONGEST characters."""
    ends = range(1, len(piece) + 1)
    return {piece[a:b] for b in ends for a in range(b) if b - a <= LONGEST}


@quick
@given(st.lists(st.text("рукойя ", max_size=6), max_size=12))
def test_tokens_share_the_ngrams_that_both_have(pieces):
    matrix = shared_ngrams(pieces).toarray()
    sets = [ngrams(piece) for piece in pieces]
    common = [
        {ngram for other, those in enumerate(sets) if other != number for ngram in those & own}
        for number, own in enumerate(sets)
    ]
    assert matrix.shape == (len(pieces), len(set().union(*common)))
    assert [np.count_nonzero(row) for row in matrix] == [len(those) for those in common]
    for row, those in zip(matrix, common, strict=True):
        assert np.square(row).sum() == pytest.approx(1.0 if those else 0.0)
    for a in range(len(pieces)):
        for b in range(a):
            assert np.count_nonzero(matrix[a] * matrix[b]) == len(sets[a] & sets[b])


def step(pieces: list[str], gradient: torch.Tensor, steps: int = 1) -> torch.Tensor:
    """An embedding of zeros after steps along the gradient."""
    embedding = torch.nn.Parameter(torch.zeros_like(gradient))
    optimizer = SubwordSteps(embedding, pieces, 0.1, (0.9, 0.99))
    for _ in range(steps):
        embedding.grad = gradient.clone()
        optimizer.step()
    return embedding.detach()


def test_what_one_token_learns_moves_those_that_are_spelled_alike():
    gradient = torch.zeros(len(PIECES), 4)
    gradient[0] = torch.tensor([1.0, -1.0, 2.0, 0.0])
    moved = -step(PIECES, gradient)
    assert (moved[:4, 0] > 0).all()  # «небо» has an «о» like «рукой»
    assert moved[0, 0] > moved[2, 0] > moved[3, 0]  # the more that is shared, the further
    assert moved[1, 0] > moved[2, 0]
    assert torch.equal(moved[:, 1], -moved[:, 0])
    assert not moved[:, 3].any() and not moved[4:].any()


def test_steps_are_adamws_of_a_vector_for_each_ngram():
    torch.manual_seed(0)
    matrix = torch.from_numpy(shared_ngrams(PIECES).toarray())
    vectors = torch.nn.Parameter(torch.zeros(matrix.shape[1], 8))
    adamw = torch.optim.AdamW([vectors], lr=0.1, betas=(0.9, 0.99), weight_decay=0.0)
    embedding = torch.nn.Parameter(torch.randn(len(PIECES), 8))
    begun = embedding.detach().clone()
    optimizer = SubwordSteps(embedding, PIECES, 0.1, (0.9, 0.99))
    for _ in range(5):
        gradient = torch.randn(len(PIECES), 8)
        embedding.grad, vectors.grad = gradient.clone(), matrix.T @ gradient
        optimizer.step()
        adamw.step()
    torch.testing.assert_close(embedding.detach(), begun + (matrix @ vectors).detach())


@pytest.mark.parametrize("pieces", [["а", "б", ""], [""], ["один"]], ids=len)
def test_where_nothing_is_shared_nothing_moves(pieces):
    assert not step(pieces, torch.ones(len(pieces), 4)).any()


def test_the_rate_is_a_share_of_adamws_and_follows_it():
    config = TrainConfig(max_steps=10, learning_rate=0.02, subword_rate=0.5, beta2=0.99)
    model = GPT(shape(), len(PIECES))
    optimizer = Optimizer(model, config, 0.1, pieces=PIECES)
    optimizer.set_rate(0.3)
    assert optimizer.rates()["subwords"] == pytest.approx(0.5 * optimizer.rates()["adamw"])
    assert optimizer.rates()["adamw"] == pytest.approx(0.006)
    none = TrainConfig(max_steps=10)
    assert set(Optimizer(model, none, 0.1, pieces=PIECES).named) == {"adamw", "muon"}


def test_the_plan_and_the_room_for_checkpoints_count_them():
    vocab, model = 8000, shape(width=64, heads=4, kv_heads=4)
    without, with_them = (
        plan(model, TrainConfig(max_steps=10, subword_rate=rate), vocab, torch.float32)
        for rate in (0.0, 0.5)
    )
    assert with_them.memory(4) - without.memory(4) == 12 * vocab * 64
    gpt, config = GPT(model, len(PIECES)), TrainConfig(max_steps=10, subword_rate=0.5)
    optimizer = Optimizer(gpt, config, 0.1, pieces=PIECES)
    count = shared_ngrams(PIECES).shape[1]
    bare = Optimizer(gpt, config, 0.1)
    assert optimizer.state_size() - bare.state_size() == 2 * 4 * count * 64


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return readable(tmp_path_factory.mktemp("words") / "tokens")


@pytest.mark.parametrize("changes", [{}, {"optimizer": "adamw"}, {"precision": "float16"}], ids=str)
def test_a_stopped_training_ends_as_if_it_had_not_stopped(words, tmp_path, changes):
    config = settings(subword_rate=0.5, **changes)
    whole = outcome(trained(config, words, tmp_path / "whole"))
    (tmp_path / "stopped").mkdir()
    stopped = trained_with_stops(config, words, tmp_path / "stopped", (0, 7, 12))
    assert outcome(stopped) == whole
    without = outcome(trained(settings(**changes), words, tmp_path / "without"))
    assert without != whole
    assert all("learning_rate/subwords" in line for line in whole[0] if "train_loss" in line)


def test_words_in_forms_that_were_hardly_seen_are_learned_sooner(tmp_path):
    """A stem comes with all of its endings, of which the text shows each stem a few."""
    words = readable(tmp_path / "words")
    pieces = Tokenizer.load(words.folder).pieces
    named = [token for token, piece in enumerate(pieces) if len(piece.strip()) >= 2]
    random = np.random.default_rng(0)
    # What comes next is spelled alike: one of the tokens that share most with the last.
    matrix = shared_ngrams(pieces).toarray()[named]
    alike = (matrix @ matrix.T).argsort(1)[:, ::-1][:, :4]

    def document() -> list[int]:
        places = [int(random.integers(len(named)))]
        while len(places) < 30:
            places.append(int(random.choice(alike[places[-1]])))
        return [named[place] for place in places]

    splits = {
        "train": {"one": [document() for _ in range(40)]},
        "held_out": {"one": [document() for _ in range(20)]},
    }
    folder = tmp_path / "tokens"
    folder.mkdir()
    (folder / "tokenizer.model").write_bytes((words.folder / "tokenizer.model").read_bytes())
    tokens = write_tokens(folder, splits, len(pieces))
    for seed in range(2):
        losses = {}
        for rate in (0.0, 1.0):
            config = settings({"width": 32, "dropout": 0.0}, max_steps=20, subword_rate=rate)
            config = config.model_copy(update={"seed": seed})
            run = trained(config, tokens, tmp_path / f"{seed}-{rate}")
            losses[rate] = course(run)[-1]["held_out_loss"]
        assert losses[1.0] < losses[0.0] - 0.03
