"""One dial: what follows from a size and from the length of a text, and what a person overrides."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.config import Config
from femtogpt.config_file import load_config
from femtogpt.errors import UserError
from femtogpt.scaling import NAMED_SIZES, beta2, epochs, recipe, shape, weight_decay
from femtogpt.training.plan_report import plan_report
from femtogpt.training.settings import (
    ResolvedTrainConfig,
    load_settings,
    resolve,
    resolve_train,
)
from tests.helpers import config, listed

TEXT = 10_400_000  # tokens, as many as the classics have
SOURCES = "sources: {one: {kind: sample}}\n"


def resolved(config: Config, text: float, vocab_size: int) -> ResolvedTrainConfig:
    return resolve_train(config.train, config.model, text, vocab_size)


@pytest.mark.parametrize("name", NAMED_SIZES)
def test_each_name_gives_about_as_many_parameters_as_it_says(name, load):
    model = load(f"model: {{size: {name}}}").model
    wanted = {"nano": 5e6, "original": 54e6, "home-8gb": 54e6, "large": 250e6}[name]
    assert model.parameters(8000) == pytest.approx(wanted, rel=0.06)


def test_large_is_more_than_four_times_the_original(load):
    large, original = (
        load(f"model: {{size: {name}}}").model.parameters(8000) for name in ("large", "original")
    )
    assert large > 4 * original


@pytest.mark.parametrize(
    ("size", "layers", "width"),
    [("nano", 4, 256), ("home-8gb", 10, 640), (14_000_000, 6, 384), (1, 2, 64)],
)
def test_one_size_says_the_shape(load, size, layers, width):
    model = load(f"model: {{size: {size}}}").model
    assert (model.layers, model.width, model.head_size) == (layers, width, 64)


@pytest.mark.parametrize("size", [5_000_000, 20_000_000, 100_000_000, 400_000_000])
def test_a_number_of_parameters_is_nearly_met_with_any_vocabulary(load, size):
    for vocab_size in (4000, 32000):
        tokenizer = f"tokenizer: {{vocab_size: {vocab_size}}}"
        model = load(f"model: {{size: {size}}}\n{tokenizer}").model
        hidden = 4 * model.width**2 + 3 * model.width * model.hidden
        assert vocab_size * model.width + model.layers * hidden == pytest.approx(size, rel=0.25)


def test_what_is_given_beside_a_size_is_kept(load):
    model = load("model: {size: nano, layers: 6}", "model.context=512").model
    assert (model.layers, model.width, model.context) == (6, 256, 512)


def test_an_unknown_size_names_the_nearest(load):
    with pytest.raises(UserError, match="'nan' is unknown; did you mean 'nano'"):
        load("model: {size: 'nan'}")


@given(st.integers(2_000_000, 2_000_000_000), st.integers(2, 64))
def test_more_parameters_never_make_a_narrower_model_or_a_smaller_batch(size, times):
    small, big = (shape(size, 8000), shape(size * times, 8000))
    assert small["width"] <= big["width"] and small["layers"] <= big["layers"]
    ours, theirs = (recipe(found["width"], 256) for found in (small, big))
    assert ours["batch_size"] <= theirs["batch_size"]
    assert ours["learning_rate"] >= theirs["learning_rate"]


@given(st.sampled_from([64, 128, 256, 512, 1024]))
def test_a_batch_has_as_many_tokens_whatever_the_context(context):
    assert recipe(512, context)["batch_size"] * context == pytest.approx(6000, rel=0.5)


@given(st.integers(1, 10_000_000), st.integers(1, 64))
def test_squared_gradients_are_averaged_over_as_many_tokens_whatever_the_batch(tokens, times):
    assert 0.95 <= beta2(tokens * times) <= beta2(tokens) < 1
    one, four = beta2(2048), beta2(4 * 2048)
    assert one**4 == pytest.approx(four, rel=1e-3)


def test_a_batch_given_by_hand_decides_how_long_squared_gradients_count(load):
    small, large = (load("", f"train.batch_size={size}").train.beta2 for size in (8, 1024))
    assert small > large == 0.95
    assert load("train: {beta2: 0.9}", "train.batch_size=8").train.beta2 == 0.9


def test_a_size_in_the_file_derives_all_but_what_stands_beside_it(load):
    found = load("model: {size: home-8gb, heads: 5}\ntrain: {learning_rate: 0.001}")
    assert (found.model.layers, found.model.width, found.model.heads) == (10, 640, 5)
    assert found.train.batch_size == recipe(640, 256)["batch_size"]
    assert found.train.learning_rate == 0.001


def test_a_size_given_on_the_command_line_replaces_the_shape_in_the_file(load):
    text = "model: {layers: 3, width: 96, heads: 3, context: 64}"
    found = load(text, "model.size=nano").model
    assert (found.layers, found.width, found.heads, found.context) == (4, 256, 4, 64)
    assert load(text, "model.size=nano", "model.layers=7").model.layers == 7


def test_epochs_given_on_the_command_line_replace_the_steps_in_the_file_and_the_reverse(load):
    found = load("train: {max_steps: 500}", "train.epochs=2")
    assert (found.train.max_steps, found.train.epochs) == (None, 2)
    found = load("train: {epochs: 3}", "train.max_steps=7")
    assert (found.train.max_steps, found.train.epochs) == (7, None)


def test_steps_follow_from_the_text(load):
    found = resolved(load("model: {size: nano}"), TEXT, 8000)
    assert found.epochs == pytest.approx(20 * 5.26e6 / TEXT, rel=0.01)
    assert found.max_steps * found.batch_size * 256 == pytest.approx(found.epochs * TEXT, rel=1e-3)
    assert resolved(load("train: {epochs: 2}"), TEXT, 8000).max_steps == -(-2 * TEXT // 2048)
    assert resolved(load("train: {max_steps: 9}"), TEXT, 8000).max_steps == 9


@given(st.integers(10**6, 10**9), st.integers(10**4, 10**10))
def test_little_text_is_not_read_without_end(parameters, tokens):
    assert 0 < epochs(parameters, tokens) <= 16


def test_weights_of_sources_count_in_an_epoch(tokens, caplog):
    texts = {
        "one": listed({"a": "а"}),
        "two": listed({"b": "б"}).model_copy(update={"weight": 3.0}),
    }
    both = config(texts, model={"context": 8}, train={"epochs": 2, "batch_size": 4})
    parts = tokens.index["splits"]["train"]
    epoch = parts["one"]["tokens"] + 3 * parts["two"]["tokens"]
    with caplog.at_level(logging.INFO):
        assert resolve(both, tokens).train.max_steps == -(-2 * epoch // 32)
    assert "4 layers × 256, 4 heads" in caplog.text and "2.0 epochs" in caplog.text


def test_a_plan_without_a_text_asks_for_its_length():
    found = config({"one": listed({"a": "а"})}, model={"layers": 2, "width": 32, "heads": 2})
    with pytest.raises(UserError, match="give --tokens"):
        plan_report(found, None, None, "t4")
    assert "16.0 epochs of 0.10 M" in plan_report(found, 100_000, None, "t4")


def test_a_configuration_extends_another_section_by_section(tmp_path):
    base = SOURCES + "model: {layers: 2, width: 64}\ntrain: {max_steps: 3, batch_size: 2}\n"
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "mine.yaml").write_text("extends: base\ntrain: {max_steps: 5}\n")
    (tmp_path / "third.yaml").write_text("extends: mine\n")
    found = load_config("mine", conf=tmp_path)
    assert (found.name, found.model.width) == ("mine", 64)
    assert (found.train.max_steps, found.train.batch_size) == (5, 2)
    assert load_config("third", conf=tmp_path).train.max_steps == 5
    (tmp_path / "base.yaml").write_text(base + "extends: third\n")
    with pytest.raises(UserError, match="extends base, which extends mine again"):
        load_config("base", conf=tmp_path)
    with pytest.raises(UserError, match="did you mean 'base'"):
        (tmp_path / "wrong.yaml").write_text("extends: bas\n")
        load_config("wrong", conf=tmp_path)


def test_what_a_file_gives_puts_aside_what_it_extends_to_the_same_end(tmp_path):
    base = "model: {layers: 2, width: 64}\ntrain: {max_steps: 3}\ncorpus: {quality: {code: 0.5}}\n"
    (tmp_path / "base.yaml").write_text(SOURCES + base)
    mine = (
        "extends: base\nmodel: {size: nano}\ntrain: {epochs: 2}\ncorpus: {quality: {links: 0.3}}\n"
    )
    (tmp_path / "mine.yaml").write_text(mine)
    found = load_config("mine", conf=tmp_path)
    assert (found.model.layers, found.model.width) == (4, 256)
    assert (found.train.max_steps, found.train.epochs) == (None, 2)
    assert (found.corpus.quality.code, found.corpus.quality.links) == (0.5, 0.3)


def test_epochs_and_steps_at_once_are_refused(load):
    with pytest.raises(UserError, match=r"give train\.max_steps or train\.epochs, not both"):
        load("", "train.epochs=2", "train.max_steps=7")
    assert load("train: {epochs: 3}", "train.max_steps=null").train.epochs == 3


def test_a_size_may_be_written_with_an_exponent_and_must_be_one(load):
    assert load("", "model.size=14e6").model == load("", "model.size=14_000_000").model
    for wrong in ("-5", "true", "1.5"):
        with pytest.raises(UserError, match="size"):
            load("", f"model.size={wrong}")


def test_embeddings_that_begin_from_the_text_are_moved_half_as_fast(load):
    usual, counted = load(""), load("train: {embedding_init: cooccurrence}")
    assert counted.train.learning_rate == usual.train.learning_rate / 2
    own = load("train: {embedding_init: cooccurrence, learning_rate: 0.02}")
    assert own.train.learning_rate == 0.02


@pytest.mark.parametrize("name", ["classics", "classics-cpu", "home-8gb", "large", "original"])
def test_each_preset_can_be_read(name):
    found = load_config(name)
    assert resolved(found, TEXT, 8000).max_steps > 0 and len(found.samples.prompts) == 3


def test_weight_decay_lets_weights_fade_in_one_pass_or_in_the_whole_training(load):
    once = load("train: {max_steps: 100, batch_size: 8, muon_learning_rate: 0.02}")
    text = 100 * 8 * 256
    for passes in (0.1, 1, 4):
        train = resolved(once, text / passes, 8000)
        fading = 1 / (train.muon_learning_rate * train.weight_decay)  # in steps
        assert fading == pytest.approx(100 / max(1, passes), rel=0.01)
    adamw = resolved(load("train: {max_steps: 100, optimizer: adamw}"), text, 8000)
    assert adamw.weight_decay == pytest.approx(1 / (100 * adamw.learning_rate), rel=0.01)
    chosen = load("train: {max_steps: 100, weight_decay: 0.3}")
    assert resolved(chosen, text, 8000).weight_decay == 0.3


def test_settings_without_a_weight_decay_take_that_of_their_text(tokens, run):
    from tests.tiny import settings

    content = settings(max_steps=20).as_dict()
    del content["train"]["weight_decay"]
    (run / "settings.json").write_text(json.dumps({**content, "weights": {"two": 3.0}}))
    train = load_settings(run, tokens).train
    parts = tokens.index["splits"]["train"]
    text = parts["one"]["tokens"] + 3 * parts["two"]["tokens"]
    passes = 20 * train.batch_size * content["model"]["context"] / text
    assert train.weight_decay == weight_decay(passes, 20, train.muon_learning_rate)


def test_settings_of_version_0_1_are_loaded_as_they_are(tokens, run):
    """As that version wrote them: no field of today's is needed, and none is derived again."""
    from tests.tiny import settings

    content = settings(max_steps=20, weight_decay=0.7).as_dict()
    assert "continuations" not in content
    (run / "settings.json").write_text(json.dumps(content))
    assert load_settings(run, tokens) == settings(max_steps=20, weight_decay=0.7)
