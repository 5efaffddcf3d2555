"""The plan of a training: what it says of memory is what a step really takes."""

from __future__ import annotations

import pytest
import torch

from femtogpt.cli import main
from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.errors import UserError
from femtogpt.training.plan import divisor, micro_batch_size, plan
from femtogpt.training.plan_report import plan_report
from femtogpt.training.precision import Precision
from femtogpt.training.step_memory import measured_peaks
from tests.helpers import config, listed

SHAPE = ModelConfig(layers=5, width=128, heads=2, context=128)
OTHER = ModelConfig(layers=3, width=192, heads=3, kv_heads=1, context=64, dropout=0.1)


@pytest.mark.parametrize(
    ("model", "optimizer", "dtype", "again"),
    [
        pytest.param(SHAPE, "muon", torch.bfloat16, False, marks=pytest.mark.slow),
        (SHAPE, "adamw", torch.float32, False),
        pytest.param(SHAPE, "muon", torch.float32, True, marks=pytest.mark.slow),
        pytest.param(OTHER, "muon", torch.bfloat16, True, marks=pytest.mark.slow),
        pytest.param(OTHER, "adamw", torch.bfloat16, False, marks=pytest.mark.slow),
    ],
)
def test_the_memory_of_a_step_is_told_within_a_tenth(model, optimizer, dtype, again):
    train = TrainConfig(optimizer=optimizer, activation_checkpointing=again)
    found = plan(model, train, 2000, dtype)
    real = max(measured_peaks(model, train, 2000, 20, dtype))
    assert found.memory(20) == pytest.approx(real, rel=0.1)


@pytest.mark.slow
def test_where_the_optimisers_step_takes_more_than_the_gradient_that_counts():
    model = SHAPE.model_copy(update={"layers": 9, "width": 256, "context": 16})
    train = TrainConfig(activation_checkpointing=True)
    found = plan(model, train, 2000, torch.bfloat16)
    gradient, step = measured_peaks(model, train, 2000, 8, torch.bfloat16)
    assert step > 1.05 * gradient
    assert found.memory(8) == pytest.approx(step, rel=0.1)
    assert found.fitting(0.9 * found.memory(0)) == 0


@pytest.mark.slow
def test_computing_layers_again_takes_less_memory():
    kept, again = (
        plan(SHAPE, TrainConfig(activation_checkpointing=way), 2000, torch.float32).per_sequence
        for way in (False, True)
    )
    assert again < kept / 2


@pytest.mark.slow
def test_the_mask_of_documents_is_told_too():
    train = TrainConfig(document_mask=True)
    masked = plan(SHAPE, train, 2000, torch.float32)
    assert masked.per_sequence > plan(SHAPE, TrainConfig(), 2000, torch.float32).per_sequence
    real = max(measured_peaks(SHAPE, train, 2000, 20, torch.float32))
    assert masked.memory(20) == pytest.approx(real, rel=0.1)


def test_what_several_processes_share_is_divided():
    found = plan(SHAPE, TrainConfig(), 2000, torch.float32)
    half = found.sharded(2)
    assert half.fixed["weights"] == 2 * found.parameters
    assert half.memory(8) < found.memory(8)
    assert half.per_sequence == found.per_sequence


@pytest.mark.slow
def test_the_parts_of_a_batch_fit_into_the_memory_that_is_given():
    train = TrainConfig(batch_size=12, device="cpu", precision="float32")
    found = plan(SHAPE, train, 2000, torch.float32)
    precision = Precision(train)
    for fitting, expected in [(12.5, 12), (7.5, 6), (1.5, 1), (0.5, 1)]:
        memory = sum(found.fixed.values()) + fitting * found.per_sequence
        limited = train.model_copy(update={"memory_gb": memory / 1e9})
        assert micro_batch_size(SHAPE, limited, 2000, precision) == expected
    chosen = train.model_copy(update={"micro_batch": 4})
    assert micro_batch_size(SHAPE, chosen, 2000, precision) == 4
    assert [divisor(12, most) for most in (0, 1, 5, 11, 100)] == [1, 1, 4, 6, 12]


def texts(**sections):
    return config({"one": listed({"a": "а"})}, model=SHAPE, **sections)


def test_a_plan_says_whether_it_fits_and_what_to_change_if_not():
    train = {"batch_size": 64, "max_steps": 100, "precision": "float32"}
    report = plan_report(texts(train=train), 400_000, "8GB", "rtx-2070-super")
    assert "Fits 8 GB   yes: the batch of 64 sequences" in report
    assert "100 steps × 64 sequences = 0.82 M tokens, 2.0 epochs of 0.40 M" in report
    assert "on rtx-2070-super, if it reaches 25% of the 36 TFLOP/s" in report
    two = plan_report(texts(train={**train, "processes": 2}), 400_000, "8GB", "rtx-2070-super")
    assert "yes: each of 2 processes' share of 32 sequences" in two
    assert "on 2 × rtx-2070-super, if each reaches" in two
    report = plan_report(texts(train={**train, "micro_batch": 64}), None, "1GB", "t4")
    assert "no: 64 sequences take" in report and "set train.micro_batch=" in report
    report = plan_report(texts(train=train), None, "620MB", "t4")
    assert "no: a single sequence takes" in report and "activation_checkpointing=true" in report


def test_a_plan_for_here_measures_the_speed():
    report = plan_report(texts(train={"batch_size": 2, "max_steps": 10}), 1000, None, None)
    assert "tokens per second, not compiled, estimated from steps of small models" in report


@pytest.mark.parametrize("vram", ["8 apples", "0GB"])
def test_a_memory_that_is_none_is_told_in_a_line(vram):
    with pytest.raises(UserError, match="give it as 8GB"):
        plan_report(texts(), None, vram, "t4")


def test_an_unknown_card_names_the_nearest(capsys):
    assert main(["plan", "--device", "rtx2070-super"]) == 1
    assert "did you mean 'rtx-2070-super'" in capsys.readouterr().err
