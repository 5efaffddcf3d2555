"""Formats of the engine's weights: what they cost in memory, and in exactness."""

from __future__ import annotations

import warnings

import pytest
import torch

from femtogpt.errors import UserError
from femtogpt.generation import formats
from femtogpt.generation.engine import Engine
from femtogpt.generation.formats import Int8, Int8Head, Plain, format_for
from femtogpt.model.gpt import GPT
from tests.tiny import VOCAB, lively, shape

CPU = torch.device("cpu")
no_fbgemm = pytest.mark.skipif(
    "fbgemm" not in torch.backends.quantized.supported_engines, reason="of x86 processors"
)
LESS = [("bfloat16", 0.1), pytest.param("int8", 0.2, marks=no_fbgemm)]


@pytest.mark.parametrize(("format", "most"), LESS)
def test_a_lower_format_says_nearly_the_same(format, most):
    model = lively(shape(width=64, context=32))
    ids = torch.randint(VOCAB, (20,)).tolist()
    exact, rough = Engine(model), Engine(model, format)
    (exact_texts, _), (texts, _) = exact.begin([ids]), rough.begin([ids])
    for id in ids:
        expected, logits = exact.step(exact_texts, [id]), rough.step(texts, [id])
        error = (logits - expected).norm() / expected.norm()
        assert error < most
    assert logits.dtype == torch.float32 and error > 0


@pytest.mark.parametrize("format", ["float32", "bfloat16", pytest.param("int8", marks=no_fbgemm)])
def test_weights_and_the_cache_of_a_text_take_little_more_than_the_weights(format):
    model = GPT(shape(layers=4, width=256, kv_heads=4, context=256), 8000)  # size nano
    width = {"float32": 4, "bfloat16": 2, "int8": 1}[format]
    engine = Engine(model, format)
    texts, _ = engine.begin([[1]])
    weights = sum(matrix_bytes(matrix) for matrix in matrices(engine))
    cache = sum(part.nbytes for part in [*texts.keys, *texts.values])
    assert weights < 1.04 * width * model.parameter_count()
    assert weights + cache <= 1.2 * weights


def matrices(engine: Engine):
    yield engine.head
    for layer in engine.layers:
        yield from (layer.projection, layer.output, layer.gate_and_up, layer.down)


def matrix_bytes(matrix) -> int:
    if isinstance(matrix, Plain):
        return matrix.columns.untyped_storage().nbytes()
    if isinstance(matrix, Int8Head):
        return matrix.numbers.nbytes + matrix.scales.nbytes + matrix.scales_bfloat16.nbytes
    assert isinstance(matrix, Int8)
    numbers, _ = torch.ops.quantized.linear_unpack(matrix.packed)
    return numbers.numel() + 12 * len(numbers)  # a scale, a zero point and a sum for each row


@no_fbgemm
def test_making_int8_weights_says_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Engine(lively(shape()), "int8")


@no_fbgemm
def test_small_models_stay_as_they_are_and_large_ones_take_what_is_fast():
    few, many = 5_000_000, 54_000_000
    assert [format_for("auto", CPU, size) for size in (few, many)] == ["float32", "int8"]
    assert format_for("auto", torch.device("cuda"), many) == "float32"


def test_a_format_that_there_is_not_is_named():
    with pytest.raises(UserError, match="'int4' are unknown: give auto, float32, bfloat16, int8"):
        format_for("int4", CPU, 1)
    with pytest.raises(UserError, match="int8 need an x86 processor and no GPU"):
        format_for("int8", torch.device("cuda"), 1)
    assert formats.FORMATS[0] == "float32"
