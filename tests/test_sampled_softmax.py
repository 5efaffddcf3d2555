"""The softmax over a part of the vocabulary: ``train.softmax_tokens``."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.config import TrainConfig
from femtogpt.model.loss import IGNORED, linear_cross_entropy
from femtogpt.model.sampled_loss import SampledTokens, first_tokens, sampled_cross_entropy
from femtogpt.training.made_up_step import made_up_step
from femtogpt.training.pace import pace_of
from femtogpt.training.trainer import Trainer
from femtogpt.training.vocabulary_sample import VocabularySample
from tests.helpers import quick
from tests.tiny import (
    VOCAB,
    course,
    drawn,
    outcome,
    settings,
    shape,
    trained,
    trained_with_stops,
    write_tokens,
)

PART = 12  # of VOCAB
CPU = torch.device("cpu")
WIDTH, ROWS, MANY = 8, 12, 30  # MANY: a vocabulary


def inputs(seed: int = 0, scale: float = 1.0) -> list[torch.Tensor]:
    """Hidden states, a head and targets, one of which does not count."""
    random = torch.Generator().manual_seed(seed)
    hidden = scale * torch.randn(ROWS, WIDTH, generator=random)
    weight = torch.randn(MANY, WIDTH, generator=random)
    targets = torch.randint(MANY, (ROWS,), generator=random)
    targets[3] = IGNORED
    return [hidden.requires_grad_(), weight.requires_grad_(), targets]


def sample(frequent: int, drawn: int, seed: int = 0) -> SampledTokens:
    """Tokens of which the first are always there, and some of the rest."""
    rest = frequent + torch.randperm(MANY - frequent, generator=torch.Generator().manual_seed(seed))
    ids = torch.cat([torch.arange(frequent), rest[:drawn]])
    weights = torch.ones(len(ids))
    weights[frequent:] = (MANY - frequent) / drawn
    columns = torch.full((MANY,), len(ids))
    columns[ids] = torch.arange(len(ids))
    return SampledTokens(ids, weights.log(), columns)


def gradients(loss: torch.Tensor, *of: torch.Tensor) -> list[torch.Tensor]:
    return [loss.detach(), *torch.autograd.grad(loss, of)]


def test_with_all_tokens_it_is_the_softmax_of_all():
    hidden, weight, targets = inputs()
    whole = gradients(linear_cross_entropy(hidden, weight, targets), hidden, weight)
    for sampled in (first_tokens(MANY, MANY), sample(10, MANY - 10)):
        part = gradients(sampled_cross_entropy(hidden, weight, targets, sampled), hidden, weight)
        torch.testing.assert_close(part, whole)


@quick
@given(st.integers(0, 20), st.integers(1, 10), st.integers(0, 5))
def test_gradients_are_those_of_the_softmax_of_its_tokens_and_each_target(frequent, count, seed):
    hidden, weight, targets = inputs(seed)
    sampled = sample(frequent, count, seed)
    # By definition, with all logits at hand: those that are not in it weigh nothing.
    log_weights = torch.full((MANY,), -torch.inf)
    log_weights[sampled.ids] = sampled.log_weights
    right = targets.clamp(min=0)
    shifts = log_weights.repeat(ROWS, 1).scatter(1, right[:, None], 0.0)
    logits = hidden @ weight.T + shifts
    expected = torch.nn.functional.cross_entropy(logits, targets, ignore_index=IGNORED)
    ours = gradients(sampled_cross_entropy(hidden, weight, targets, sampled), hidden, weight)
    torch.testing.assert_close(ours, gradients(expected, hidden, weight), rtol=1e-4, atol=1e-6)


def test_those_that_are_drawn_stand_for_the_rest():
    """In the mean over the draws the sum of the softmax is that of all tokens."""
    hidden, weight, targets = inputs(1, scale=0.3)
    hidden, targets = hidden[:1], targets[:1]
    own = hidden @ weight[targets[0]]
    sums = [
        (sampled_cross_entropy(hidden, weight, targets, sample(8, 6, seed)) + own).exp().detach()
        for seed in range(3000)
    ]
    whole = (linear_cross_entropy(hidden, weight, targets) + own).exp().detach()
    assert float(torch.stack(sums).mean()) == pytest.approx(float(whole), rel=0.01)


def test_each_step_draws_its_own_tokens_and_has_the_frequent_ones(tokens):
    size = 12
    samples = VocabularySample(tokens, size, seed=3, device=CPU)
    steps = [samples.at(step) for step in range(40)]
    counts = np.bincount(
        np.concatenate([shard.ids for part in tokens.shards("train").values() for shard in part]),
        minlength=VOCAB,
    )
    for step in steps:
        assert len(set(step.ids.tolist())) == size
        assert counts[step.ids[:8]].min() >= counts[samples.rest].max()
        assert torch.equal(step.columns[step.ids], torch.arange(size))
        assert (step.columns == size).sum() == VOCAB - size
    assert {int(id) for step in steps for id in step.ids} == set(range(VOCAB))
    again = VocabularySample(tokens, size, seed=3, device=CPU).at(7)
    assert torch.equal(again.ids, steps[7].ids) and not torch.equal(again.ids, steps[8].ids)
    other = VocabularySample(tokens, size, seed=4, device=CPU).at(7)
    assert not torch.equal(again.ids, other.ids)
    assert again.log_weights.exp().tolist() == pytest.approx([1.0] * 8 + [(VOCAB - 8) / 4] * 4)


def test_the_softmax_has_all_tokens_when_the_rate_is_low(tokens, run, monkeypatch):
    sizes, next_batch = [], Trainer.next_batch

    def noted(trainer):
        sampled = trainer.model.sampled
        sizes.append(VOCAB if sampled is None else len(sampled.ids))
        return next_batch(trainer)

    monkeypatch.setattr(Trainer, "next_batch", noted)
    trained(settings(softmax_tokens=PART, decay=0.8), tokens, run)
    assert sizes == [12] * 17 + [VOCAB] * 3  # of 20 steps; the rate falls over 16
    sizes.clear()
    (run.parent / "all").mkdir()
    trained(settings(softmax_tokens=VOCAB), tokens, run.parent / "all")
    assert sizes == [VOCAB] * 20


@pytest.mark.parametrize(
    "changes",
    [{}, {"precision": "bfloat16"}, {"precision": "float16"}, {"ngram_share": 1.0}],
    ids=str,
)
def test_a_stopped_training_ends_as_if_it_had_not_stopped(tokens, run, unbroken, changes):
    config = settings(softmax_tokens=PART, **changes)
    trained_with_stops(config, tokens, run, (0, 7, 11))
    assert outcome(run) == unbroken(config)
    if "ngram_share" not in changes:  # which teaches to the end of so short a training
        assert outcome(run) != unbroken(settings(**changes))


@pytest.mark.slow
def test_it_is_compiled_too(tokens, run, unbroken):
    without = {"dropout": 0.0}  # compiled, it draws otherwise
    found = course(trained(settings(without, softmax_tokens=PART, compile=True), tokens, run))
    plain = unbroken(settings(without, softmax_tokens=PART))[0]
    for name in ("train_loss", "held_out_loss"):
        ours, theirs = ([line[name] for line in part if name in line] for part in (found, plain))
        assert ours == pytest.approx(theirs, abs=1e-3) and ours


def test_nearly_as_much_is_learned(tmp_path):
    documents = drawn(120)
    splits = {"train": {"one": documents[:100]}, "held_out": {"one": documents[100:]}}
    text = write_tokens(tmp_path / "tokens", splits)
    losses = {}
    for part in (None, 14):
        config = settings(
            {"width": 32, "dropout": 0.0}, max_steps=120, evaluate_every=60, softmax_tokens=part
        )
        found = course(trained(config, text, tmp_path / str(part)))
        losses[part] = [line["held_out_loss"] for line in found if "held_out_loss" in line]
    begun, _, whole = losses[None]
    assert whole < begun - 0.5
    assert losses[14][-1] < whole + 0.15 * (begun - whole)


def test_the_time_of_a_training_counts_the_steps_with_all_tokens():
    model, kept = shape(), {"batch_size": 4, "decay": 0.8, "softmax_tokens": 500}

    def step_seconds(model, train, compiled):
        return 1.0 if train.softmax_tokens else 3.0

    def seconds(steps=100, **changes):
        train = TrainConfig(**{**kept, "evaluate_tokens": 1, **changes})
        pace = pace_of(model, train, 0, None, step_seconds)
        return (pace.seconds(steps) - pace.begin) / 1.025

    assert seconds() == pytest.approx(80 + 20 * 3.0)
    taught = {"ngram_share": 1.0, "ngram_tokens": 4 * 8 * 50}  # tokens of 50 steps
    assert seconds(**taught) == pytest.approx(30 + 70 * 3.0, rel=1e-3)
    assert seconds(40, **taught) == pytest.approx(40 * 3.0, rel=1e-3)  # it teaches to the end
    assert seconds(softmax_tokens=None) == pytest.approx(300.0)
    assert seconds(generations=2) == pytest.approx(100.0)  # measured with a teacher


def test_a_step_is_measured_with_as_many_tokens():
    config, whole = (TrainConfig(max_steps=10, softmax_tokens=part) for part in (100, None))
    model, _, gradient = made_up_step(shape(), config, 1000, 2, torch.float32)
    assert len(model.sampled.ids) == 100
    gradient()
    assert model.embed_tokens.weight.grad[100:].count_nonzero() > 0  # the targets'
    assert made_up_step(shape(), whole, 1000, 2, torch.float32)[0].sampled is None
