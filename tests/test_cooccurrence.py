"""Embeddings to begin with, from which tokens stand beside which."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from femtogpt.tokens.shards import Tokens
from femtogpt.training.cooccurrence import cooccurrence_embedding
from tests.tiny import (
    VOCAB,
    course,
    drawn,
    outcome,
    settings,
    trained,
    trained_with_stops,
    write_tokens,
)

WIDTH = 8
KINDS = (range(2, 6), range(6, 10), range(10, 14))  # of tokens: one of each follows in turn


@pytest.fixture(scope="module")
def kinds(tmp_path_factory) -> Tokens:
    """A text in which tokens of a kind stand in the same places, and token 14 in none."""
    rng = np.random.default_rng(0)
    documents = [[int(rng.choice(KINDS[place % 3])) for place in range(300)] for _ in range(12)]
    splits = {"train": {"one": documents[:10]}, "held_out": {"one": documents[10:]}}
    return write_tokens(tmp_path_factory.mktemp("kinds"), splits)


def random_embedding(seed: int = 0) -> torch.Tensor:
    return 0.02 * torch.randn(VOCAB, WIDTH, generator=torch.Generator().manual_seed(seed))


def test_tokens_that_stand_in_the_same_places_are_alike(kinds):
    embedding = cooccurrence_embedding(random_embedding(), kinds, seed=0)
    rows = torch.nn.functional.normalize(embedding, dim=1)
    alike = rows @ rows.T
    for kind in KINDS:
        others = [token for other in KINDS if other != kind for token in other]
        assert alike[kind][:, kind].min() > alike[kind][:, others].max() + 0.3


def test_the_size_stays_and_a_token_that_is_not_there_keeps_its_row(kinds):
    before = random_embedding()
    after = cooccurrence_embedding(before, kinds, seed=0)
    assert torch.equal(after[14], before[14])
    seen = [token for kind in KINDS for token in kind]
    assert float(after[seen].std()) == pytest.approx(float(before.std()), rel=0.2)


def test_the_seed_alone_decides_and_no_other_number_is_drawn(kinds):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = cooccurrence_embedding(random_embedding(), kinds, seed=1)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(cooccurrence_embedding(random_embedding(), kinds, seed=1), first)
    assert not torch.allclose(cooccurrence_embedding(random_embedding(), kinds, seed=2), first)


@pytest.mark.parametrize("documents", [[[2]], [[2, 3]], [[2] * 40]], ids=len)
def test_a_text_of_next_to_nothing_leaves_finite_numbers(tmp_path, documents):
    splits = {"train": {"one": documents}, "held_out": {"one": documents}}
    embedding = cooccurrence_embedding(
        random_embedding(), write_tokens(tmp_path / "tokens", splits), seed=0
    )
    assert embedding.isfinite().all()
    assert embedding.shape == (VOCAB, WIDTH)


def test_less_is_left_to_learn(tmp_path):
    documents = drawn(70)
    splits = {"train": {"one": documents[:60]}, "held_out": {"one": documents[60:]}}
    tokens = write_tokens(tmp_path / "tokens", splits)
    for seed in range(2):
        losses = {}
        for way in ("random", "cooccurrence"):
            config = settings({"width": 32, "dropout": 0.0}, max_steps=5, embedding_init=way)
            config = config.model_copy(update={"seed": seed})
            run = trained(config, tokens, tmp_path / f"{seed}-{way}")
            losses[way] = course(run)[-1]["held_out_loss"]
        assert losses["cooccurrence"] < losses["random"] - 0.05


@pytest.mark.parametrize("stops", [(0, 7), (19,)], ids=str)
def test_a_stopped_training_ends_as_if_it_had_not_stopped(tokens, run, unbroken, stops):
    config = settings(embedding_init="cooccurrence")
    trained_with_stops(config, tokens, run, stops)
    assert outcome(run) == unbroken(config)
    assert outcome(run) != unbroken(settings())
