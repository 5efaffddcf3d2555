"""The engine: it says what the model says, token by token, for many texts at once."""

from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from femtogpt.generation import engine
from femtogpt.generation.engine import Engine
from tests.tiny import VOCAB, lively, shape

CONTEXT = 8
no_fbgemm = pytest.mark.skipif(
    "fbgemm" not in torch.backends.quantized.supported_engines, reason="of x86 processors"
)
FORMATS = [  # and by how much roundings may change what is said
    ("float32", 1e-5),
    ("bfloat16", 0.02),
    pytest.param("int8", 0.1, marks=no_fbgemm),
]
IDS = st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=CONTEXT)


def said(model, ids: list[int]) -> torch.Tensor:
    """The model's logits after its last tokens, (V,)."""
    with torch.no_grad():
        return model(torch.tensor([ids[-CONTEXT:]]))[0, -1]


@pytest.mark.parametrize("kv_heads", [2, 4])
@pytest.mark.parametrize("first", [1, 3, 7])
def test_within_the_context_it_says_what_the_model_says(first, kv_heads):
    model = lively(shape(kv_heads=kv_heads))
    ids = torch.randint(VOCAB, (CONTEXT,)).tolist()
    engine = Engine(model)
    texts, logits = engine.begin([ids[:first]])
    for position in range(first, CONTEXT):
        torch.testing.assert_close(logits[0], said(model, ids[:position]), rtol=1e-5, atol=1e-5)
        logits = engine.step(texts, [ids[position]])
    torch.testing.assert_close(logits[0], said(model, ids), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("format", ["float32", pytest.param("int8", marks=no_fbgemm)])
def test_one_text_takes_one_of_the_processors_threads(format, monkeypatch):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        engine, during = Engine(lively(shape()), format), []
        texts, _ = engine.begin([[1, 2, 3]])
        head = engine.one_text.head
        monkeypatch.setattr(
            engine.one_text, "head", lambda x: during.append(torch.get_num_threads()) or head(x)
        )
        engine.step(texts, [4])
        assert (during, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(threads)


def test_past_the_context_each_layer_sees_the_last_context_tokens():
    model = lively(shape(layers=1))  # then they are all that the model sees
    ids = torch.randint(VOCAB, (3 * CONTEXT + 1,)).tolist()
    engine = Engine(model)
    texts, _ = engine.begin([ids[:5]])
    for id in ids[5:]:
        logits = engine.step(texts, [id])
    torch.testing.assert_close(logits[0], said(model, ids), rtol=1e-5, atol=1e-5)


def test_of_a_longer_prompt_the_end_is_read():
    model = lively(shape())
    ids = torch.randint(VOCAB, (3 * CONTEXT,)).tolist()
    torch.testing.assert_close(Engine(model).begin([ids])[1][0], said(model, ids))


@given(st.lists(IDS, min_size=1, max_size=4), st.integers(0, 100))
@hypothesis_settings(max_examples=30, deadline=None)
def test_a_text_is_the_same_whatever_is_written_beside_it(prompts, seed):
    engine = Engine(lively(shape()))
    later = torch.randint(
        VOCAB, (2 * CONTEXT, len(prompts)), generator=torch.Generator().manual_seed(seed)
    ).tolist()
    together, logits = engine.begin(prompts)
    alone = [engine.begin([prompt]) for prompt in prompts]
    for ids in later:
        for row, (_, own) in enumerate(alone):
            torch.testing.assert_close(logits[row], own[0], rtol=1e-5, atol=1e-5)
        logits = engine.step(together, ids)
        alone = [
            (texts, engine.step(texts, [id])) for (texts, _), id in zip(alone, ids, strict=True)
        ]


@pytest.mark.parametrize(("format", "most"), FORMATS)
@pytest.mark.parametrize("kv_heads", [1, 4])
def test_numpy_and_torch_say_the_same_of_one_text(format, most, kv_heads):
    engine = Engine(lively(shape(width=64, kv_heads=kv_heads)), format)
    in_torch = Engine(lively(shape(width=64, kv_heads=kv_heads)), format)
    in_torch.one_text = None
    (texts, _), (others, _) = engine.begin([[1, 2, 3]]), in_torch.begin([[1, 2, 3]])
    for id in torch.randint(VOCAB, (2 * CONTEXT,)).tolist():
        expected, logits = in_torch.step(others, [id]), engine.step(texts, [id])
        assert (logits - expected).norm() < most * expected.norm()


def test_a_text_goes_on_alone_after_others_have_ended():
    engine = Engine(lively(shape()))
    together, _ = engine.begin([[1, 2, 3], [4, 5]])
    alone, _ = engine.begin([[4, 5]])
    for id in (6, 7, 8):
        engine.step(together, [9, id])
        engine.step(alone, [id])
    left = together.only([1])
    for id in torch.randint(VOCAB, (2 * CONTEXT,)).tolist():
        expected, logits = engine.step(alone, [id]), engine.step(left, [id])
        torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)


def test_gates_may_be_shut_altogether():
    model = lively(shape())
    for layer in model.layers:
        layer.mlp.gate_proj.weight.data *= 1000
    engine = Engine(model)
    texts, _ = engine.begin([[1]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logits = engine.step(texts, [2])
    torch.testing.assert_close(logits[0], said(model, [1, 2]), rtol=1e-4, atol=1e-4)


def test_prompts_are_read_the_same_in_one_pass_and_in_several(monkeypatch):
    reader = Engine(lively(shape()))
    prompts = [[1], [2, 3, 4], [5] * CONTEXT, [6, 7], list(range(3 * CONTEXT))]
    texts, logits = reader.begin(prompts)
    monkeypatch.setattr(engine, "ROWS", 4)
    other_texts, other_logits = reader.begin(prompts)
    torch.testing.assert_close(logits, other_logits, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(texts.keys, other_texts.keys, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(texts.values, other_texts.values, rtol=1e-5, atol=1e-5)
    assert texts.positions == other_texts.positions == [1, 3, CONTEXT, 2, CONTEXT]
