"""The n-gram as a teacher: soft targets, what they do to the gradient, and exact resuming."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from femtogpt.model.loss import IGNORED, SoftTargets, linear_cross_entropy
from femtogpt.training.ngram_teacher import NGramTeacher
from femtogpt.training.precision import Precision
from femtogpt.training.teachers import Teachers
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


class Table:
    """A teacher that has all its probabilities at hand."""

    def __init__(self, probabilities: torch.Tensor):
        self.probabilities = probabilities

    def rows(self, start: int, stop: int) -> torch.Tensor:
        return self.probabilities[start:stop]


def test_the_gradient_is_that_of_the_cross_entropy_to_the_soft_targets(monkeypatch):
    monkeypatch.setitem(linear_cross_entropy.__globals__["LOGITS_AT_ONCE"], "cpu", 2 * VOCAB)
    torch.manual_seed(0)
    hidden, weight = torch.randn(7, 5, requires_grad=True), torch.randn(VOCAB, 5).requires_grad_()
    targets = torch.randint(VOCAB, (7,))
    targets[3] = IGNORED
    taught = torch.rand(7, VOCAB).softmax(-1)
    soft = SoftTargets(Table(taught), torch.tensor(0.3))
    loss = linear_cross_entropy(hidden, weight, targets, soft=soft)
    assert loss.item() == pytest.approx(F.cross_entropy(hidden @ weight.T, targets).item())
    loss.backward()
    ours = hidden.grad.clone(), weight.grad.clone()
    hidden.grad = weight.grad = None
    kept = targets != IGNORED
    mixed = 0.7 * F.one_hot(targets.clamp(min=0), VOCAB) + 0.3 * taught
    F.cross_entropy((hidden @ weight.T)[kept], mixed[kept]).backward()
    torch.testing.assert_close(ours, (hidden.grad, weight.grad))


def test_the_teacher_says_what_followed_in_the_text(tokens):
    # Each line has twelve tokens, in one order: after three of them the fourth is certain.
    teacher = NGramTeacher(tokens, torch.device("cpu"))
    line = torch.arange(2, 14)[None]
    soft = teacher.targets(line, torch.roll(line, -1), 0.5)
    probabilities = soft.teacher.rows(0, 12).clone()
    assert probabilities.sum(1) == pytest.approx(torch.ones(12), abs=1e-5)
    assert probabilities[3:].argmax(1).tolist() == [6, 7, 8, 9, 10, 11, 12, 13, 2]
    assert soft.teacher.rows(5, 9).tolist() == probabilities[5:9].tolist()
    assert float(soft.share) == 0.5


@pytest.mark.parametrize(("tokens_to_fall", "steps"), [(4 * 8 * 5, 5), (10_000, 20)], ids=str)
def test_its_share_falls_to_zero_in_so_many_tokens(tokens, tokens_to_fall, steps):
    config = settings(ngram_share=0.8, ngram_tokens=tokens_to_fall)  # steps of 4 × 8 tokens
    teachers = Teachers(config, tokens, Precision(config.train), compiled=False)
    ids = torch.full((1, 8), 3)
    taught = [teachers.targets(ids, ids, step) for step in range(20)]
    shares = [0.0 if soft is None else float(soft.share) for soft in taught]
    fall = np.linspace(0.8, 0, steps + 1)[:-1].tolist()
    assert shares == pytest.approx(fall + (20 - steps) * [0.0])
    assert (teachers.ngram is None) is (steps < 20), "its memory is needed no longer"


def test_a_training_that_it_no_longer_teaches_does_not_count_it_again(tokens):
    config = settings(ngram_share=0.8, ngram_tokens=4 * 8 * 5)
    made = [Teachers(config, tokens, Precision(config.train), False, step) for step in (4, 5)]
    assert [teachers.ngram is not None for teachers in made] == [True, False]


def test_it_is_counted_once_and_what_ends_the_counting_ends_the_training(tokens, run, monkeypatch):
    threads, count = [], NGramTeacher.__init__

    def noted(teacher, *arguments):
        threads.append(threading.current_thread())
        count(teacher, *arguments)

    monkeypatch.setattr(NGramTeacher, "__init__", noted)
    trained(settings(ngram_share=0.8), tokens, run)
    (thread,) = threads
    assert thread is not threading.main_thread() and not thread.is_alive()

    def full(teacher, *arguments):
        raise MemoryError("no room to count")

    monkeypatch.setattr(NGramTeacher, "__init__", full)
    (run.parent / "again").mkdir()
    with pytest.raises(MemoryError, match="no room to count"):
        trained(settings(ngram_share=0.8), tokens, run.parent / "again")


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_what_is_taught_is_learned_in_fewer_steps(tmp_path, seed):
    documents = drawn(70)
    splits = {"train": {"one": documents[:60]}, "held_out": {"one": documents[60:]}}
    tokens = write_tokens(tmp_path / "tokens", splits)
    losses = []
    for share in (0.0, 0.8):
        config = settings({"width": 32, "dropout": 0.0}, max_steps=60, ngram_share=share)
        config = config.model_copy(update={"seed": seed})
        run = trained(config, tokens, tmp_path / str(share))
        losses.append(course(run)[-1]["held_out_loss"])
    assert losses[1] < losses[0] - 0.02


@pytest.mark.parametrize("changes", [{}, {"ngram_tokens": 200}], ids=str)
@pytest.mark.parametrize("stops", [(0, 7), (5, 1, 8), (19,)], ids=str)
def test_a_stopped_training_ends_as_if_it_had_not_stopped(tokens, run, unbroken, stops, changes):
    config = settings(ngram_share=0.8, **changes)
    trained_with_stops(config, tokens, run, stops)
    assert outcome(run) == unbroken(config)
    assert outcome(run) != unbroken(settings())


def test_micro_batches_are_taught_the_same(tokens, tmp_path):
    lines = []
    for micro_batch in (8, 2):
        config = settings(
            {"dropout": 0.0},
            batch_size=8,
            micro_batch=micro_batch,
            optimizer="adamw",
            ngram_share=0.8,
        )
        lines.append(course(trained(config, tokens, tmp_path / str(micro_batch))))
    for at_once, parts in zip(*lines, strict=True):
        assert parts == pytest.approx(at_once, rel=2e-3)
