"""Training with a narrow model first: ``train.first_width``."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from femtogpt.errors import UserError
from femtogpt.model.gpt import GPT
from femtogpt.model.growth import grown
from femtogpt.training.settings import resolve_train
from tests.tiny import VOCAB, course, lively, outcome, settings, shape, trained, trained_with_stops

WIDE = shape(width=32, heads=4)


def width(run: Path) -> int:
    return safetensors.torch.load_file(run / "model.safetensors")["embed_tokens.weight"].shape[1]


@pytest.mark.parametrize("feed_forward", [None, 40])
@pytest.mark.parametrize("kv_heads", [None, 2])
def test_a_grown_model_says_what_the_narrow_one_said(kv_heads, feed_forward):
    wide = WIDE.model_copy(update={"kv_heads": kv_heads, "feed_forward": feed_forward})
    narrow = lively(wide.narrowed(16))
    model = GPT(wide, VOCAB)
    model.load_state_dict(grown(narrow.state_dict(), wide))
    with torch.no_grad():
        model.embed_tokens.weight[:, 16:] = 0  # which is random: new columns must learn
    ids = torch.randint(VOCAB, (3, wide.context))
    torch.testing.assert_close(model(ids), narrow(ids), rtol=1e-4, atol=1e-4)


def test_all_new_weights_can_learn():
    model = GPT(WIDE, VOCAB)
    model.load_state_dict(grown(lively(WIDE.narrowed(16)).state_dict(), WIDE))
    ids = torch.randint(VOCAB, (2, 3, WIDE.context))
    for _ in range(2):  # the first step moves the output matrices, which begin as zero
        model(*ids).backward()
        with torch.no_grad():
            for weight in model.parameters():
                weight -= 0.1 * weight.grad
    for name, weight in model.named_parameters():
        assert (weight.grad != 0).float().mean() > 0.5, name


def test_a_model_as_wide_stays_as_it_is():
    state = lively(WIDE).state_dict()
    assert grown(state, WIDE) is state


@pytest.mark.parametrize("stops", [(4,), (10, 1, 3), (19,)], ids=str)
def test_a_stopped_training_ends_as_if_it_had_not_stopped(tokens, run, unbroken, stops):
    config = settings({"width": 32, "heads": 4}, first_width=16, ema=0.5)
    trained_with_stops(config, tokens, run, stops)
    assert outcome(run) == unbroken(config)


def test_it_lasts_until_the_rate_falls(tokens, tmp_path):
    widths = []

    class Watched(GPT):
        def forward(self, ids, targets=None, cache=None, soft=None):
            widths.append(self.config.width)
            return super().forward(ids, targets, cache, soft)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("femtogpt.training.trainer.GPT", Watched)
        config = settings({"width": 32, "heads": 4}, first_width=16, max_steps=10, decay=0.4)
        run = trained(config, tokens, tmp_path / "run")
    assert widths == 7 * [16] + 3 * [32]  # at the seventh step the rate is still at its peak
    assert width(run) == 32
    assert course(run)[-1]["held_out_loss"] < course(run)[0]["held_out_loss"]


def test_weights_that_were_best_when_narrow_are_grown(tokens, tmp_path):
    steep = {"learning_rate": 0.1, "muon_learning_rate": 0.3, "max_steps": 30, "decay": 0.2}
    config = settings({"width": 32, "heads": 4}, first_width=16, evaluate_every=1, **steep)
    run = trained(config, tokens, tmp_path / "run")
    losses = {
        line["step"]: line["held_out_loss"] for line in course(run) if "held_out_loss" in line
    }
    assert min(losses, key=losses.get) <= 24, "this tries nothing: the narrow model was not better"
    assert width(run) == 32


def test_given_weights_are_as_wide_as_they_are(tokens, tmp_path):
    begin = trained(settings({"width": 32, "heads": 4}), tokens, tmp_path / "begin")
    config = settings({"width": 32, "heads": 4}, first_width=16, init_from=begin, max_steps=1)
    trained(config, tokens, tmp_path / "run")


@pytest.mark.parametrize(("first", "word"), [(12, "multiple of 16"), (4, "multiple of 16")])
def test_a_width_that_does_not_fit_is_refused(first, word):
    train = settings().train.model_copy(update={"first_width": first})
    with pytest.raises(UserError, match=word):
        resolve_train(train, WIDE, 1e6, VOCAB)
    resolve_train(train.model_copy(update={"first_width": 64}), WIDE, 1e6, VOCAB)


def test_it_needs_a_rate_that_falls():
    with pytest.raises(ValueError, match="decay above 0"):
        settings(first_width=16, decay=0.0)
