"""Writing: what is drawn, from where, and when it ends."""

from __future__ import annotations

import json

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.generation.samples import write_samples
from femtogpt.generation.sampling import draw, generate, write
from femtogpt.tokens.tokenizer import Tokenizer, train
from tests.tiny import VOCAB, lively, settings, shape

MODEL = lively(shape())
CHANCES = torch.tensor([0.05, 0.5, 0.15, 0.3])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(times: int, **how) -> list[int]:
    """Many draws from CHANCES."""
    how = {"temperature": 1.0, "top_k": None, "top_p": 1.0, **how}
    random = seeded()
    return [draw(CHANCES.log() + 3, random=random, **how) for _ in range(times)]


def continued(ids: list[int], tokens: int, end: int | None = None, model=MODEL) -> list[int]:
    """The likeliest continuation."""
    return list(generate(model, ids, tokens, 0, None, 1.0, seeded(), end))


@pytest.fixture(scope="module")
def pieces() -> bytes:
    """A tokenizer's file."""
    lines = ["мама мыла раму", "у рамы мама, у мамы рама", "шла Саша по шоссе и сосала сушку"]
    return train(iter(lines * 20), 310)


@pytest.fixture(scope="module")
def tokenizer(pieces) -> Tokenizer:
    return Tokenizer(pieces)


def test_temperature_zero_writes_the_likeliest_token_each_time():
    ids = [1, 5, 9]
    with torch.inference_mode():
        while len(ids) < 8:
            ids.append(int(MODEL(torch.tensor([ids]))[0, -1].argmax()))
    assert continued([1, 5, 9], 5) == ids[3:]


def test_a_text_may_grow_far_past_the_context():
    model = lively(shape(layers=1), seed=3)
    ids = [1, 5, 9]
    with torch.inference_mode():
        while len(ids) < 40:
            ids.append(int(model(torch.tensor([ids[-8:]]))[0, -1].argmax()))
    assert len(set(ids)) > 3
    assert continued([1, 5, 9], 37, model=model) == ids[3:]


def test_of_a_prompt_longer_than_the_context_the_model_sees_the_end():
    prompt = torch.randint(VOCAB, (30,), generator=seeded()).tolist()
    text = continued(prompt, 20)
    assert text == continued(prompt[-8:], 20)
    assert text != continued(prompt[-7:], 20)


def test_the_text_ends_before_the_boundary():
    text = continued([1, 5], 12)
    end = text[6]
    assert continued([1, 5], 12, end=end) == text[: text.index(end)]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_are_drawn_as_often_as_the_softmax_says(temperature):
    times = 4000
    draws = drawn(times, temperature=temperature)
    expected = (CHANCES.log() / temperature).softmax(0) * times
    statistic = sum((draws.count(id) - float(expected[id])) ** 2 / expected[id] for id in range(4))
    assert statistic < 16.3  # chi-square with 3 degrees of freedom: p = 0.001


@pytest.mark.parametrize(
    ("how", "kept"),
    [
        ({"top_k": 1}, {1}),
        ({"top_k": 2}, {1, 3}),
        ({"top_k": 9}, {0, 1, 2, 3}),
        ({"top_p": 0.01}, {1}),
        ({"top_p": 0.45}, {1}),
        ({"top_p": 0.55}, {1, 3}),
        ({"top_p": 0.85}, {1, 2, 3}),
        ({"top_p": 1.0}, {0, 1, 2, 3}),
        ({"top_k": 2, "top_p": 0.6}, {1}),  # of the two, 0.5 / 0.8 > 0.6
        ({"temperature": 0.5, "top_p": 0.67}, {1}),  # sharpened before: 0.25 / 0.365 > 0.67
    ],
)
def test_only_the_likeliest_are_drawn_and_keep_their_proportions(how, kept):
    draws = drawn(1500, **how)
    assert set(draws) == kept
    if kept == {1, 3}:
        assert draws.count(1) / len(draws) == pytest.approx(0.5 / 0.8, abs=0.05)


@given(
    st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=12),
    st.floats(0.01, 10),
    st.one_of(st.none(), st.integers(1, 15)),
    st.floats(0.001, 1),
    st.integers(0, 1000),
)
@hypothesis_settings(max_examples=150, deadline=None)
def test_whatever_the_settings_a_token_of_the_nucleus_is_drawn(logits, heat, top_k, top_p, seed):
    values = torch.tensor(logits)
    chosen = draw(values, heat, top_k, top_p, seeded(seed))
    chances = (values.double() / heat).softmax(0)
    kept = chances.sort(descending=True).values[:top_k]
    likelier = kept[kept > chances[chosen] * (1 + 1e-5)].sum() / kept.sum()
    assert likelier < top_p + 1e-5
    assert chances[chosen] >= kept[-1] * (1 - 1e-5)


def test_the_same_seed_writes_the_same_and_another_seed_something_else(tokenizer):
    model = lively(shape(), tokenizer.size)
    texts = [write(model, tokenizer, "мама", 30, 1.0, seed=seed) for seed in (1, 2, 1)]
    assert texts[0] == texts[2] != texts[1]


def test_what_is_written_is_what_follows_the_prompt(tokenizer):
    model = lively(shape(), tokenizer.size)
    prompt = "мама\n\nмыла — раму 漢"  # the dash and the sign have no piece: they are bytes
    ids = [tokenizer.eos, *tokenizer.encode(prompt)]
    drawn = continued(ids, 30, tokenizer.eos, model)
    text = write(model, tokenizer, prompt, 30, temperature=0)
    assert prompt + text == tokenizer.decode([*ids, *drawn])
    assert text


def test_the_samples_stage_keeps_a_text_of_its_own_for_each_prompt(tmp_path, pieces):
    tokens = Artifact(tmp_path / "tokens", "tokens", "t", "t", {})
    run = Artifact(tmp_path / "run", "run", "r", "r", {})
    for artifact in (tokens, run):
        artifact.path.mkdir()
    (tokens.path / "tokenizer.model").write_bytes(pieces)
    model = lively(shape(), 310)
    (run.path / "settings.json").write_text(settings().model_dump_json())
    safetensors.torch.save_file(model.state_dict(), run.path / "model.safetensors")
    config = Config.model_validate(
        {
            "name": "test",
            "sources": {"mine": {"kind": "files", "path": str(tmp_path)}},
            "samples": {"prompts": ["мама", "мама", ""], "tokens": 20, "temperature": 1},
        }
    )

    made = write_samples(Store(tmp_path / "data"), config, tokens, run)
    samples = json.loads((made.path / "samples.json").read_text("utf-8"))
    assert [sample["prompt"] for sample in samples] == ["мама", "мама", ""]
    assert samples[0]["text"] != samples[1]["text"]
    page = (made.path / "samples.md").read_text("utf-8")
    assert all(sample["text"] in page for sample in samples)
    assert not write_samples(Store(tmp_path / "data"), config, tokens, run).made
