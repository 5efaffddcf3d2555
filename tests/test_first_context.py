"""Training with a short context first: ``train.first_context``."""

from __future__ import annotations

import pytest
import torch

from femtogpt.errors import UserError
from femtogpt.model.gpt import GPT
from femtogpt.training.settings import resolve_train
from tests.tiny import VOCAB, course, lively, outcome, settings, shape, trained, trained_with_stops


def test_pieces_are_read_as_if_each_stood_alone():
    model = lively(shape(context=12))
    ids, targets = torch.randint(VOCAB, (2, 5, 12))
    alone = [
        model.nats(ids[:, start : start + 4], targets[:, start : start + 4]) for start in (0, 4, 8)
    ]
    loss = torch.cat(alone, 1).mean()
    whole = model.nats(ids, targets)
    model.pieces = 3
    torch.testing.assert_close(model.nats(ids, targets), torch.cat(alone, 1))
    torch.testing.assert_close(model(ids, targets), loss)
    assert not torch.allclose(whole, torch.cat(alone, 1))
    assert model(ids).shape == (5, 12, VOCAB), "a model that writes reads all"


@pytest.mark.parametrize("stops", [(4,), (10, 1, 3), (19,)], ids=str)
def test_a_stopped_training_ends_as_if_it_had_not_stopped(tokens, run, unbroken, stops):
    config = settings(first_context=2)
    trained_with_stops(config, tokens, run, stops)
    assert outcome(run) == unbroken(config)
    assert outcome(run) != unbroken(settings())


def test_it_lasts_until_the_rate_falls(tokens, tmp_path):
    reached = []

    class Watched(GPT):
        def read(self, ids):
            if self.training:
                reached.append(ids.shape[1])
            return super().read(ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("femtogpt.training.trainer.GPT", Watched)
        trained(settings(first_context=4, max_steps=10, decay=0.4), tokens, tmp_path / "run")
    assert reached == 7 * [4] + 3 * [8]  # at the seventh step the rate is still at its peak


def test_the_last_estimate_is_that_of_the_whole_context(tokens, tmp_path):
    run = trained(settings(first_context=4), tokens, tmp_path / "run")
    assert course(run)[-1]["held_out_loss"] < course(run)[0]["held_out_loss"]


@pytest.mark.parametrize(("first", "word"), [(3, "multiple"), (16, "multiple")])
def test_a_context_that_does_not_fit_is_refused(first, word):
    with pytest.raises(UserError, match=word):
        resolve_train(
            settings().train.model_copy(update={"first_context": first}), shape(), 1e6, VOCAB
        )


def test_it_needs_a_rate_that_falls():
    with pytest.raises(ValueError, match="decay above 0"):
        settings(first_context=4, decay=0.0)
