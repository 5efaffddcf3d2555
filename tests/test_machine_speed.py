"""A machine's speed: what is fitted to a few steps holds for other models."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.scaling import recipe, shape_of_width
from femtogpt.training import machine_speed
from femtogpt.training.machine_speed import MachineSpeed, measure, parts_of_gradient, parts_of_step
from femtogpt.training.precision import Precision

VOCAB = 8000
TRAIN = TrainConfig(device="cpu", precision="float32", threads=1)
machines = st.tuples(
    st.floats(1e-9, 1e-7), st.floats(1e-11, 5e-9), st.floats(1e-12, 1e-10), st.floats(1e-10, 1e-8)
)


@settings(deadline=None)
@given(machines, st.sampled_from(range(128, 1088, 64)))
def test_the_time_of_a_step_is_that_of_its_parts_for_any_size(machine, width):
    activations, logits, products, weights = machine
    true = MachineSpeed(
        {"activations": activations, "logits": logits, "products": products},
        {"weights": weights, "iterations": products},
    )
    small = [ModelConfig(**shape_of_width(size)) for size in (64, 128, 256)]
    gradients = [
        (parts := parts_of_gradient(model, VOCAB), sum(true.gradient[p] * parts[p] for p in parts))
        for model in small
    ]
    steps = [
        (parts := parts_of_step(model, TRAIN, VOCAB), sum(true.step[p] * parts[p] for p in parts))
        for model in small
    ]
    found = MachineSpeed(machine_speed._fitted(gradients), machine_speed._fitted(steps))
    model = ModelConfig(**shape_of_width(width))
    train = TRAIN.model_copy(update={"batch_size": int(recipe(width, 256)["batch_size"])})
    expected = true.seconds(model, train, VOCAB)
    assert found.seconds(model, train, VOCAB) == pytest.approx(expected, rel=0.02)
    assert found.seconds(model, train, VOCAB, compiled=True) <= expected * 1.02


@pytest.mark.slow
def test_a_measured_machine_takes_longer_for_larger_models():
    speed = measure(ModelConfig(context=64), TRAIN, 1000, Precision(TRAIN))
    seconds = [
        speed.seconds(ModelConfig(**shape_of_width(width), context=64), TRAIN, 1000)
        for width in (128, 256, 512, 1024)
    ]
    assert seconds == sorted(seconds) and seconds[0] > 0
