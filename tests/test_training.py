"""Training: it learns, and wherever it is stopped, it ends with the same weights and metrics."""

from __future__ import annotations

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch._dynamo.utils import counters

from femtogpt.errors import Stopped, UserError
from femtogpt.model.gpt import GPT
from femtogpt.model.loading import load_model
from femtogpt.model.score import Score, score_shards
from femtogpt.training.checkpoint import load_newest
from femtogpt.training.early_stopping import EarlyStopping, Verdict
from femtogpt.training.loop import train
from femtogpt.training.metrics import METRICS_FILE
from femtogpt.training.schedule import Schedule
from femtogpt.training.settings import ResolvedTrainConfig
from tests.tiny import course, diverging, outcome, settings, stop_after, trained, trained_with_stops


def is_finite(weights: dict[str, torch.Tensor]) -> bool:
    return all(bool(weight.isfinite().all()) for weight in weights.values())


@pytest.mark.parametrize(
    ("optimizer", "precision"),
    [
        ("adamw", "float32"),
        ("adamw", "float16"),
        ("muon", "float32"),
        pytest.param("muon", "bfloat16", marks=pytest.mark.slow),
        ("muon", "float16"),
    ],
)
def test_it_learns_more_than_how_often_each_token_comes(tokens, run, optimizer, precision):
    model = {"width": 32, "dropout": 0.0}
    config = settings(model, max_steps=80, optimizer=optimizer, precision=precision, batch_size=8)
    train(config, tokens, run)
    lines = [line for line in course(run) if "held_out_loss" in line]
    assert lines[0]["held_out_loss"] > math.log(20)
    assert lines[-1]["held_out_loss"] < 0.4 * math.log(12)  # the line has twelve tokens


def test_the_metrics_have_each_step_and_each_evaluation_once(tokens, run):
    train(settings(max_steps=18, evaluate_every=4), tokens, run)
    lines = course(run)
    assert [line["step"] for line in lines if "train_loss" in line] == list(range(1, 19))
    assert [line["step"] for line in lines if "held_out_loss" in line] == [0, 4, 8, 12, 16, 18]
    assert all(line["tokens"] == line["step"] * 4 * 8 for line in lines)


def test_the_last_estimate_over_all_held_out_text_is_the_score_of_the_weights(tokens, run):
    config = settings()
    (run / "settings.json").write_text(config.model_dump_json())
    train(config, tokens, run)
    shards = [shard for parts in tokens.shards("held_out").values() for shard in parts]
    evaluated = sum(
        (score for _, score in score_shards(load_model(run, "cpu"), shards, 8)), Score()
    )
    last = course(run)[-1]
    assert last["held_out_loss"] == pytest.approx(evaluated.loss, rel=1e-6)
    estimate = last["held_out_bits_per_character_estimate"]
    assert estimate == pytest.approx(evaluated.bits_per_character, rel=1e-6)


def test_a_folder_without_a_trained_model_is_the_users_error(run):
    with pytest.raises(UserError, match="no trained model"):
        load_model(run)


def test_another_seed_gives_other_weights(tokens, tmp_path, unbroken):
    config = settings(max_steps=4)
    other = config.model_copy(update={"seed": 8})
    assert outcome(trained(config, tokens, tmp_path / "again")) == unbroken(config)
    assert outcome(trained(other, tokens, tmp_path / "other")) != unbroken(config)


@pytest.mark.parametrize("stops", [(0, 7), (5, 1, 1, 8), (19,), (20,)], ids=str)
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_stopped_training_ends_as_if_it_had_not_stopped(tokens, run, unbroken, optimizer, stops):
    config = settings(optimizer=optimizer)
    for steps in stops:
        if sum(stops) < 20:
            with pytest.raises(Stopped):
                train(config, tokens, run, stop_after(steps))
    train(config, tokens, run, stop_after(20))
    assert outcome(run) == unbroken(config)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_the_scale_of_the_loss_outlives_a_stop(tokens, run, tmp_path, precision):
    config = settings(precision=precision, optimizer="muon")
    unbroken = trained(config, tokens, tmp_path / "whole")
    with pytest.raises(Stopped):
        train(config, tokens, run, stop_after(7))
    train(config, tokens, run)
    assert outcome(run) == outcome(unbroken)
    state = load_newest(run).state["scaler"]
    assert state == load_newest(unbroken).state["scaler"]
    if precision == "float16":
        assert state["_growth_tracker"] > 13  # steps without overflow: more than since the stop


def test_a_training_may_go_on_in_a_format_that_scales_the_loss(tokens, run):
    # As when it begins on the processor and goes on with a graphics card.
    with pytest.raises(Stopped):
        train(settings(), tokens, run, stop_after(7))
    train(settings(precision="float16"), tokens, run)
    assert course(run)[-1]["step"] == 20


def test_training_again_what_is_trained_changes_nothing(tokens, run, unbroken):
    train(settings(), tokens, run)
    (run / "model.safetensors").unlink()  # as if killed just before it was written
    train(settings(), tokens, run)
    assert outcome(run) == unbroken(settings())


def test_accumulated_gradients_are_those_of_the_whole_batch(tokens, tmp_path):
    lines = []
    for micro_batch in (8, 2, 1):
        config = settings(
            {"dropout": 0.0}, batch_size=8, micro_batch=micro_batch, optimizer="adamw"
        )
        lines.append(course(trained(config, tokens, tmp_path / str(micro_batch))))
    for at_once, parts in zip(lines[0] * 2, lines[1] + lines[2], strict=True):
        assert parts == pytest.approx(at_once, rel=2e-3)


def test_the_gradient_is_clipped_and_its_own_norm_is_told(tokens, tmp_path):
    config = {"max_steps": 1, "optimizer": "adamw", "warmup": 0}
    free, tight = (
        trained(settings(clip=clip, **config), tokens, tmp_path / str(clip)) for clip in (1e9, 1e-3)
    )
    norms = [course(run)[1]["gradient_norm"] for run in (free, tight)]
    assert norms[0] == norms[1] > 0.1
    moments = [
        torch.cat([s["exp_avg"].flatten() for s in found.state["optimizer"][0]["state"].values()])
        for found in (load_newest(free), load_newest(tight))
    ]
    ratio = float(moments[1].norm() / moments[0].norm())
    assert ratio == pytest.approx(1e-3 / norms[0], rel=1e-3)


def test_a_loss_without_a_finite_value_ends_in_advice_and_saves_no_such_weights(tokens, run):
    with pytest.raises(UserError, match=r"lower train\.learning_rate.* last good checkpoint is"):
        train(diverging(evaluate_every=1000), tokens, run)
    assert not (run / "model.safetensors").exists()
    assert is_finite(load_newest(run).weights)


def test_a_held_out_loss_far_above_the_untrained_ones_ends_in_one_line(tokens, run):
    with pytest.raises(UserError, match=r"held-out loss diverges at step 4: lower train\."):
        train(diverging(evaluate_every=4), tokens, run)
    assert not (run / "model.safetensors").exists()


OVERFITTING = {"learning_rate": 0.1, "optimizer": "adamw", "decay": 0.0, "weight_decay": 0.0}


def test_the_final_weights_are_those_of_the_lowest_held_out_loss(tokens, run):
    config = settings({"dropout": 0.0, "width": 32}, max_steps=400, patience=2, **OVERFITTING)
    (run / "settings.json").write_text(config.model_dump_json())
    train(config, tokens, run)
    losses = [line["held_out_loss"] for line in course(run) if "held_out_loss" in line]
    assert min(losses) < losses[-1]
    shards = [shard for parts in tokens.shards("held_out").values() for shard in parts]
    evaluated = sum(
        (score for _, score in score_shards(load_model(run, "cpu"), shards, 8)), Score()
    )
    assert evaluated.loss == pytest.approx(min(losses), rel=1e-6)


def test_training_ends_when_held_out_text_is_no_longer_learned(tokens, run, tmp_path):
    config = settings({"dropout": 0.0, "width": 32}, max_steps=400, patience=3, **OVERFITTING)
    train(config, tokens, run)
    losses = [line["held_out_loss"] for line in course(run) if "held_out_loss" in line]
    assert 3 < len(losses) < 100
    assert losses.index(min(losses)) == len(losses) - 1 - 3
    stopped = tmp_path / "stopped"
    stopped.mkdir()
    with pytest.raises(Stopped):
        train(config, tokens, stopped, stop_after(course(run)[-1]["step"] - 2))
    train(config, tokens, stopped)
    assert outcome(stopped) == outcome(run)


def test_a_training_without_patience_left_lets_the_rate_fall_before_it_ends(tokens, run, tmp_path):
    slow = {**OVERFITTING, "decay": 0.5, "evaluate_every": 4}
    config = settings({"dropout": 0.0, "width": 32}, max_steps=400, patience=2, **slow)
    train(config, tokens, run)
    lines = course(run)
    rates = [line["learning_rate/adamw"] for line in lines if "learning_rate/adamw" in line]
    falls = next(number for number, rate in enumerate(rates) if number > 10 and rate < 0.1)
    planned = 2 * (falls - 1)  # as if so long a training had been planned
    assert planned < 200
    factors = [min(1, (number + 1) / 8, 2 - 2 * number / planned) for number in range(len(rates))]
    assert rates == pytest.approx([0.1 * factor for factor in factors])
    stopped = tmp_path / "stopped"
    stopped.mkdir()
    trained_with_stops(config, tokens, stopped, (falls - 1, 4))
    assert outcome(stopped) == outcome(run)


@given(
    st.lists(st.integers(0, 9), max_size=60),
    st.integers(0, 60),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]),
)
def test_the_schedule_is_a_function_of_the_losses(losses, cut, patience, decay):
    config = ResolvedTrainConfig(max_steps=200, warmup=0, weight_decay=0, decay=decay)
    schedule, resumed = Schedule(config), Schedule(config)
    evaluations = [(7 * number, loss) for number, loss in enumerate(losses)]
    stopping = EarlyStopping(schedule, patience)
    verdicts = [stopping.judge(*evaluation) for evaluation in evaluations]
    again = EarlyStopping(resumed, patience, evaluations[:cut])
    assert [again.judge(*evaluation) for evaluation in evaluations[cut:]] == verdicts[cut:]
    assert verdicts.count(Verdict.DECAY) <= 1
    assert resumed.steps == schedule.steps
    assert all(resumed.factor(step) == schedule.factor(step) for step in range(resumed.steps))
    for number, verdict in enumerate(verdicts):
        if verdict is not Verdict.GO_ON:  # so many estimates were without a better one
            past = losses[: number + 1]
            assert min(past[-patience:]) >= min(past[:-patience])


def test_the_average_of_the_weights_is_what_is_judged_and_kept(tokens, run, tmp_path):
    plain = outcome(trained(settings(), tokens, tmp_path / "plain"))
    config = settings(ema=0.9)
    (tmp_path / "plain/settings.json").write_text(settings().model_dump_json())
    unbroken = outcome(trained(config, tokens, tmp_path / "whole"))
    steps = [[line for line in lines if "train_loss" in line] for lines in (plain[0], unbroken[0])]
    assert steps[0] == steps[1]  # it changes nothing of the training itself
    assert plain[1] != unbroken[1]
    trained_with_stops(config, tokens, run, (7, 9))
    assert outcome(run) == unbroken


def run_out_of_memory(model, above: int, monkeypatch) -> list[int]:
    """Has batches of more than so many sequences fail as torch does; the sizes that were tried."""
    tried, forward = [], model.forward

    def limited(self, ids, targets=None, soft=None):
        if targets is not None:
            tried.append(len(ids))
            if len(ids) > above:
                if above:
                    forward(self, ids[:above], targets[:above]).backward()  # some of it is done
                raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return forward(self, ids, targets, soft)

    monkeypatch.setattr(model, "forward", limited)
    return tried


def test_where_memory_runs_out_the_same_batch_is_computed_in_smaller_parts(
    tokens, run, tmp_path, monkeypatch, caplog
):
    config = settings(batch_size=12, max_steps=6)
    parts = outcome(
        trained(settings(batch_size=12, max_steps=6, micro_batch=3), tokens, tmp_path / "a")
    )
    tried = run_out_of_memory(GPT, 5, monkeypatch)
    with pytest.raises(Stopped):
        train(config, tokens, run, stop_after(3))
    assert tried[:6] == [12, 6, 3, 3, 3, 3]
    assert "going on with 3, in batches of 12 as before" in caplog.messages[-1]
    del tried[:]
    train(config, tokens, run)
    assert set(tried) == {3}  # what was found is kept
    assert outcome(run) == parts


def test_an_evaluation_that_does_not_fit_in_memory_halves_the_micro_batch_too(
    tokens, run, monkeypatch
):
    tried, nats = [], GPT.nats

    def limited(self, ids, targets):
        tried.append(len(ids))
        if len(ids) > 3:
            raise torch.OutOfMemoryError("made up")
        return nats(self, ids, targets)

    monkeypatch.setattr(GPT, "nats", limited)
    train(settings(batch_size=12, max_steps=2), tokens, run)
    assert tried[:3] == [12, 6, 3]
    assert set(tried[2:]) == {3}


def test_not_even_one_sequence_in_memory_is_one_line(tokens, run, monkeypatch):
    run_out_of_memory(GPT, 0, monkeypatch)
    with pytest.raises(UserError, match="single sequence at a time: lower"):
        train(settings(), tokens, run)


def test_a_run_of_another_shape_is_refused_and_stays(tokens, run):
    with pytest.raises(Stopped):
        train(settings(), tokens, run, stop_after(7))
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match="model of another shape"):
        train(settings({"width": 32}), tokens, run)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_a_model_that_is_compiled_learns_the_same_and_is_resumed_exactly(tokens, run, tmp_path):
    config = settings(compile=True, max_steps=8)
    plain = course(trained(settings({"dropout": 0.0}, max_steps=8), tokens, tmp_path / "plain"))
    same = settings({"dropout": 0.0}, max_steps=8, compile=True)
    for one, other in zip(plain, course(trained(same, tokens, tmp_path / "same")), strict=True):
        assert other == pytest.approx(one, rel=1e-2)
    unbroken = outcome(trained(config, tokens, tmp_path / "whole"))
    with pytest.raises(Stopped):
        train(config, tokens, run, stop_after(3))
    train(config, tokens, run)
    assert outcome(run) == unbroken


@pytest.mark.slow
def test_one_layer_is_compiled_for_all_and_for_evaluations_too(tokens, run):
    torch._dynamo.reset()
    counters.clear()
    train(settings({"layers": 3, "dropout": 0.0}, max_steps=4, compile=True), tokens, run)
    assert counters["stats"]["unique_graphs"] == 2  # the other one is the loss


def test_where_compiling_fails_training_goes_on_without(tokens, run, unbroken, monkeypatch, caplog):
    def broken(*_, **__):
        def fail(*_, **__):
            raise RuntimeError("no C++ compiler\nand much more")

        return fail

    monkeypatch.setattr("femtogpt.training.compilation.torch.compile", broken)
    train(settings(compile=True), tokens, run)
    assert "torch.compile does not work here (no C++ compiler): training without" in caplog.text
    assert outcome(run) == unbroken(settings())


def test_a_training_that_ends_without_a_finite_loss_is_not_called_whole(tokens, run):
    with pytest.raises(UserError, match=r"lower train\.learning_rate"):
        train(diverging(precision="float16", max_steps=8), tokens, run)
    assert not (run / "model.safetensors").exists()


def test_the_metrics_are_json_even_where_a_value_is_not_finite(tokens, run):
    with pytest.raises(UserError):
        train(diverging(evaluate_every=1000), tokens, run)

    def refuse(name):
        raise ValueError(f"{name} is not JSON")

    for line in (run / METRICS_FILE).read_text().splitlines():
        json.loads(line, parse_constant=refuse)


@given(st.integers(1, 400), st.floats(0, 1), st.floats(0, 1))
@hypothesis_settings(max_examples=100, deadline=None)
def test_the_rate_rises_stays_and_falls_and_is_never_zero(steps, warmup, decay):
    if warmup + decay > 1:
        warmup, decay = 1 - warmup, 1 - decay
    if warmup + decay > 1:  # a rounding
        return
    config = ResolvedTrainConfig(weight_decay=0, max_steps=steps, warmup=warmup, decay=decay)
    factors = [Schedule(config).factor(step) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    stable = [f for step, f in enumerate(factors) if warmup <= step / steps < 1 - decay]
    assert all(factor == pytest.approx(1) for factor in stable)


def test_the_rate_has_its_peak_after_warmup_and_a_tenth_of_it_at_a_tenth_from_the_end():
    config = ResolvedTrainConfig(weight_decay=0, max_steps=1000, warmup=0.1, decay=1 / 2)
    steps = (0, 49, 99, 500, 750, 950, 999)
    expected = [0.01, 0.5, 1, 1, 0.5, 0.1, 0.002]
    assert [Schedule(config).factor(step) for step in steps] == pytest.approx(expected)


def test_the_metrics_have_the_rate_of_each_optimizer(tokens, run):
    config = settings(learning_rate=0.004, warmup=0.25, decay=0.5)
    train(config, tokens, run)
    lines = [line for line in course(run) if "train_loss" in line]
    for name, peak in {"adamw": 0.004, "muon": 0.01}.items():
        rates = [line[f"learning_rate/{name}"] for line in lines]
        expected = [peak * Schedule(config.train).factor(step) for step in range(20)]
        assert rates == pytest.approx(expected)


def test_layers_computed_again_in_the_backward_pass_change_nothing(tokens, run, unbroken):
    for dropout in (0.0, 0.1):
        folder = run / str(dropout)
        config = settings({"dropout": dropout}, activation_checkpointing=True)
        assert outcome(trained(config, tokens, folder)) == unbroken(settings({"dropout": dropout}))
