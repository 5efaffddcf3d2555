"""Inputs that are replaced by any token: ``train.input_noise``."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.config import TrainConfig
from femtogpt.model.gpt import GPT
from femtogpt.training.gradient import Gradient
from femtogpt.training.input_noise import InputNoise
from femtogpt.training.precision import Precision
from tests.tiny import VOCAB, course, outcome, settings, shape, trained, trained_with_stops

EOS = 1


@given(st.floats(0.01, 0.9), st.integers(2, 40), st.integers(0, 2**32))
def test_about_so_many_are_replaced_and_no_document_begins_or_ends_by_it(share, vocab, seed):
    torch.manual_seed(seed)
    ids = torch.randint(vocab, (40, 200))
    given = ids.clone()
    read = InputNoise(share, vocab, EOS)(ids)
    assert torch.equal(ids, given), "the targets are cut from the same tokens"
    assert torch.equal(read == EOS, ids == EOS)
    assert read.min() >= 0 and read.max() < vocab
    drawn = (read != ids)[ids != EOS].float().mean().item()
    others = (vocab - 2) / (vocab - 1)  # it may draw the token that was there
    assert drawn == pytest.approx(share * others, abs=0.03)


def test_without_noise_nothing_is_drawn():
    ids, before = torch.randint(VOCAB, (4, 8)), torch.get_rng_state()
    assert InputNoise(0.0, VOCAB, EOS)(ids) is ids
    assert torch.equal(torch.get_rng_state(), before)


def test_the_model_reads_them_and_the_teacher_does_not():
    read, taught = [], []

    class Reader(GPT):
        def forward(self, ids, targets=None, soft=None):
            read.append(ids)
            return super().forward(ids, targets, soft)

    model = Reader(shape(), VOCAB)
    precision = Precision(TrainConfig(precision="float32"), "cpu")
    inputs, targets = (torch.randint(VOCAB, (4, 8)) for _ in range(2))

    def gradients(sequences):
        model.zero_grad()
        noise = InputNoise(0.5, VOCAB, EOS)
        computed = Gradient(model, precision, sequences, noise)
        computed.compute(inputs, targets, 7, lambda x, y: taught.append((x, y)))
        return [weight.grad.clone() for weight in model.parameters()]

    for whole, halves in zip(gradients(4), gradients(2), strict=True):
        torch.testing.assert_close(whole, halves, rtol=1e-4, atol=1e-6)
    at_once, *parts = read
    assert torch.equal(at_once, torch.cat(parts)), "the same whatever the micro-batch"
    assert not torch.equal(at_once, inputs)
    (seen, wanted), *_ = taught
    assert torch.equal(seen, inputs) and torch.equal(wanted, targets)


def test_each_step_draws_anew_and_a_stopped_training_ends_as_if_it_had_not(tokens, run, unbroken):
    config = settings(input_noise=0.2, ngram_share=0.5)
    trained_with_stops(config, tokens, run, (0, 7, 11))
    assert outcome(run) == unbroken(config)
    assert outcome(run) != unbroken(settings(ngram_share=0.5))


def test_held_out_text_is_read_as_it_is(tokens, run, unbroken):
    noisy, (plain, _) = (
        course(trained(settings(input_noise=0.9), tokens, run)),
        unbroken(settings()),
    )
    assert noisy[0]["held_out_loss"] == plain[0]["held_out_loss"], "before the first step"
    assert noisy[1]["train_loss"] != plain[1]["train_loss"]
