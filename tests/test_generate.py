"""Writing: what is drawn, from where, and when it ends."""

from __future__ import annotations

import json

import pytest
import safetensors.torch
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.errors import UserError
from femtogpt.generation.engine import Engine
from femtogpt.generation.samples import write_samples
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.text_stream import TextStream
from femtogpt.generation.writing import generate, stream, write
from femtogpt.tokens.tokenizer import Tokenizer, train
from tests.helpers import examples
from tests.tiny import VOCAB, lively, settings, shape

MODEL = lively(shape())
GREEDY = Sampling(temperature=0)
CHANCES = torch.tensor([0.05, 0.5, 0.15, 0.3])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(times: int, **how) -> list[int]:
    """Many draws from CHANCES."""
    sampling, random = Sampling(**{"temperature": 1.0, **how}), seeded()
    return [sampling.draw(CHANCES.log() + 3, (), random) for _ in range(times)]


def continued(ids: list[int], tokens: int, end: int | None = None, model=MODEL) -> list[int]:
    """The likeliest continuation."""
    return list(generate(Engine(model), ids, tokens, GREEDY, seeded(), end))


LINES = ["мама мыла раму", "у рамы мама, у мамы рама", "шла Саша по шоссе и сосала сушку"]
PIECES = train(iter(LINES * 20), 310)  # a tokenizer's file


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(PIECES)


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
        ({"min_p": 0.59}, {1, 3}),  # of the likeliest's 0.5
        ({"min_p": 0.61}, {1}),
        ({"min_p": 1.0}, {1}),
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
@examples(150)
def test_whatever_the_settings_a_token_of_the_nucleus_is_drawn(logits, heat, top_k, top_p, seed):
    values = torch.tensor(logits)
    sampling = Sampling(temperature=heat, top_k=top_k, top_p=top_p)
    chosen = sampling.draw(values, (), seeded(seed))
    chances = (values.double() / heat).softmax(0)
    kept = chances.sort(descending=True).values[:top_k]
    likelier = kept[kept > chances[chosen] * (1 + 1e-5)].sum() / kept.sum()
    assert likelier < top_p + 1e-5
    assert chances[chosen] >= kept[-1] * (1 - 1e-5)


def test_what_was_written_is_less_likely_again():
    logits = torch.tensor([2.0, 1.0, -1.0, 0.5])
    for penalty, seen, expected in [(1.0, [0], 0), (3.0, [0], 1), (3.0, [0, 1, 1], 0)]:
        sampling = Sampling(repetition_penalty=penalty, temperature=0)
        assert sampling.draw(logits, seen, seeded()) == expected
    sampling = Sampling(repetition_penalty=2.0, temperature=1.0)
    draws = [sampling.draw(logits, {0, 2}, random) for random in [seeded()] * 4000]
    shares = torch.tensor([1.0, 1.0, -2.0, 0.5]).softmax(0)
    assert draws.count(2) / 4000 == pytest.approx(float(shares[2]), abs=0.015)
    assert draws.count(0) / 4000 == pytest.approx(float(shares[0]), abs=0.03)
    assert logits.tolist() == [2.0, 1.0, -1.0, 0.5]


@pytest.mark.parametrize(
    "how",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"top_k": 0},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"min_p": -0.1},
        {"repetition_penalty": 0.0},
    ],
    ids=str,
)
def test_a_setting_out_of_range_is_named(how):
    with pytest.raises(UserError, match=rf"{next(iter(how))} .* is out of range: give"):
        Sampling(**how)


WORDS = st.text(st.sampled_from("мама шёл\n \u2581漢🙂é—<0>\0"), max_size=30)


@given(WORDS)
def test_a_stream_is_the_text_in_whole_characters(text):
    tokenizer = Tokenizer(PIECES)
    reader = TextStream(tokenizer)
    parts = [reader.add(id) for id in tokenizer.encode(text)]
    assert not any("\ufffd" in part for part in parts)
    assert "".join(parts) + reader.rest() == text


@given(st.lists(st.integers(2, Tokenizer(PIECES).size - 1) | st.integers(3, 258), max_size=12))
def test_bytes_that_are_no_character_are_marked_each(ids):
    tokenizer = Tokenizer(PIECES)
    reader = TextStream(tokenizer)
    assert "".join(map(reader.add, ids)) + reader.rest() == tokenizer.decode(ids)


@given(WORDS, st.lists(st.text(st.sampled_from("мапш \n漢"), min_size=1, max_size=4), max_size=3))
@example(" а ", ["а", " а "])  # the second begins first, and ends last
def test_a_stream_ends_before_the_first_stop_sign(text, signs):
    tokenizer = Tokenizer(PIECES)
    reader, shown = TextStream(tokenizer, signs), ""
    for id in tokenizer.encode(text):
        shown += reader.add(id)
        assert not any(sign in shown for sign in signs)
    shown += reader.rest()
    places = [text.find(sign) for sign in signs if sign in text]
    assert shown == text[: min(places, default=len(text))]
    assert reader.stopped == bool(places)


def test_writing_ends_with_the_stop_sign(tokenizer):
    model = lively(shape(), tokenizer.size)
    whole = write(Engine(model), tokenizer, "мама", 40, GREEDY)
    sign = whole[10:13]
    parts = list(stream(Engine(model), tokenizer, "мама", 40, GREEDY, 0, [sign]))
    assert "".join(parts) == whole[: whole.index(sign)]


def test_the_same_seed_writes_the_same_and_another_seed_something_else(tokenizer):
    model = lively(shape(), tokenizer.size)
    texts = [write(Engine(model), tokenizer, "мама", 30, seed=seed) for seed in (1, 2, 1)]
    assert texts[0] == texts[2] != texts[1]


def test_what_is_written_is_what_follows_the_prompt(tokenizer):
    model = lively(shape(), tokenizer.size)
    prompt = "мама\n\nмыла — раму 漢"  # the dash and the sign have no piece: they are bytes
    ids = [tokenizer.eos, *tokenizer.encode(prompt)]
    drawn = continued(ids, 30, tokenizer.eos, model)
    text = write(Engine(model), tokenizer, prompt, 30, GREEDY)
    assert prompt + text == tokenizer.decode([*ids, *drawn])
    assert text


def test_the_samples_stage_keeps_a_text_of_its_own_for_each_prompt(tmp_path):
    tokens = Artifact(tmp_path / "tokens", "tokens", "t", "t", {})
    run = Artifact(tmp_path / "run", "run", "r", "r", {})
    for artifact in (tokens, run):
        artifact.path.mkdir()
    (tokens.path / "tokenizer.model").write_bytes(PIECES)
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
