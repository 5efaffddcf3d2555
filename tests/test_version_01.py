"""What femtogpt 0.1 left: it is found, gone on with and read; a person's model is not lost."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from femtogpt.artifacts.artifact import MANIFEST, RECIPE_FILE, Artifact, Recipe
from femtogpt.artifacts.disk import file_digest, json_digest
from femtogpt.artifacts.lookup import find, made_from
from femtogpt.artifacts.reasons import differences, listed
from femtogpt.artifacts.store import Store
from femtogpt.commands.run_list import listing, runs
from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.config_file import load_config
from femtogpt.training.settings import TrainingSettings, resolve_train
from femtogpt.training.training_stage import recipe

SMALL = """
sources:
  stories: {kind: sample, characters: 60000}
corpus: {held_out: 0.1}
tokenizer: {vocab_size: 600}
model: {layers: 2, width: 32, heads: 2, context: 32, dropout: 0.1}
train: {max_steps: 60, batch_size: 4, checkpoint_every: 10, evaluate_every: 20, threads: 1}
samples: {tokens: 20}
"""
# As 0.1.0 named a training with these settings on these tokens.
CONTENT = "38c0f44a1b6428e51ea32ff2f49ae3a0d2fa8b9119845e1aceca981b83b01ba0"
DIGEST = "fb014d823d3b8a4a"
TEXT, VOCABULARY = 27889, 600
CODE = {"femtogpt.training.loop": "0123456789ab"}


def test_a_training_has_the_name_that_it_had(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    config = load_config(str(tmp_path / "small.yaml"))
    train = resolve_train(config.train, config.model, TEXT, VOCABULARY)
    settings = TrainingSettings(model=config.model, train=train, seed=0, weights={"stories": 1.0})
    tokens = Artifact(tmp_path, "tokens", "6f533723bef06ae4", CONTENT, {})
    assert recipe(settings, tokens).digest == DIGEST
    added = {"beta2": 0.9, "embedding_init": "cooccurrence", "first_context": 8}
    added |= {"ngram_share": 0.5, "softmax_tokens": 100, "subword_rate": 0.5, "input_noise": 0.1}
    for change in ({name: value} for name, value in added.items()):
        changed = settings.model_copy(update={"train": train.model_copy(update=change)})
        assert recipe(changed, tokens).digest != DIGEST


def test_a_training_that_evaluates_as_often_as_by_default_has_its_name_too():
    """By default it was a twentieth of all steps, and is a tenth."""
    model, tokens = ModelConfig(), Artifact(Path(), "tokens", "t", CONTENT, {})
    train = resolve_train(TrainConfig(max_steps=60), model, TEXT, VOCABULARY)
    assert train.evaluate_every == 6
    names = [
        recipe(TrainingSettings(model=model, train=each, seed=0), tokens).digest
        for each in (train, *(train.model_copy(update={"evaluate_every": n}) for n in (3, 4)))
    ]
    assert names[0] == names[1] != names[2]


def old(store: Store, made: Recipe, files: dict[str, str], finished: bool = True) -> Path:
    """A folder as 0.1 left it; gives its path."""
    path = store.path(made) if finished else store.partial(made)
    path.mkdir(parents=True)
    sizes = {}
    for name, text in files.items():
        (path / name).write_text(text)
        sizes[name] = {"size": (path / name).stat().st_size, "sha256": file_digest(path / name)}
    manifest = {
        **{"kind": made.kind, "version": made.version, "config": dict(made.config)},
        "inputs": {name: artifact.content for name, artifact in made.inputs.items()},
        **{"digest": made.digest, "content": json_digest(sizes), "counts": {"parameters": 9}},
        **{"files": sizes, "made": "2026-01-02T03:04:05+00:00", "seconds": 1.0},
    }
    if finished:
        text = json.dumps({**manifest, "self": json_digest(manifest)})
        (path / MANIFEST).write_text(text)
    return path


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "data")


RUN = Recipe("run", CODE, {"train": {"max_steps": 60}}, version=2)
SETTINGS = json.dumps(
    {"model": {"layers": 2, "width": 32}, "train": {"max_steps": 60}, "weights": {"stories": 1.0}}
)
METRICS = '{"step": 30, "held_out_bits_per_character_estimate": 3.5}\n'
FILES = {"settings.json": SETTINGS, "metrics.jsonl": METRICS}


def fail(folder: Path) -> dict:
    raise AssertionError("made again, though it was there")


def test_a_finished_training_is_found_and_it_is_said_that_the_code_is_newer(store, caplog):
    caplog.set_level(logging.INFO)
    path = old(store, RUN, FILES)
    assert store.make(RUN, fail, resumable=True).path == path
    assert caplog.messages[-1].endswith("; the code is newer: --again train trains it anew")
    assert find("run", None, store.root).path == path


def test_a_half_finished_training_goes_on(store, caplog):
    caplog.set_level(logging.INFO)
    partial = old(store, RUN, FILES, finished=False)

    def resumed(folder: Path) -> dict:
        assert (folder / "metrics.jsonl").read_text() == METRICS
        assert json.loads((folder / RECIPE_FILE).read_text())["code"] == CODE
        return {}

    made = store.make(RUN, resumed, resumable=True)
    assert made.path.exists() and not partial.exists()
    assert set(made.manifest["files"]) == set(FILES)
    assert "begun with older code" in caplog.text
    assert "because it was not finished" in caplog.text


def test_its_runs_are_listed(store):
    old(store, RUN, FILES)
    old(store, replace(RUN, config={"train": {"max_steps": 61}}), FILES, finished=False)
    one, two = sorted(runs(store.root), key=lambda run: run.state)
    assert (one.state, two.state) == ("finished", "half-finished at step 30 of 60")
    assert (one.layers, one.parameters, one.sources) == (2, 9, ["stories"])
    assert "≈ 3.500" in listing([one, two], store.root)


def test_other_artifacts_are_made_again_once_and_it_is_said_why(store, caplog):
    caplog.set_level(logging.INFO)
    former = Recipe("corpus", {}, {"held_out": 0.1, "older": 1}, version=2)
    old(store, former, {"a": "б"})
    current = Recipe("corpus", CODE, {"held_out": 0.1})
    store.make(current, lambda folder: {})
    assert "because the previous one was made by femtogpt 0.1 (" in caplog.text
    store.make(current, fail)


def test_its_inputs_are_found_by_their_contents(store):
    path = old(store, Recipe("corpus", {}, {"sources": {"one": {}}}, version=2), {"a": "б"})
    corpus = Artifact.load(path)
    tokens = store.make(Recipe("tokens", CODE, {}, {"corpus": corpus}), lambda folder: {})
    assert made_from(tokens, "corpus", store.root) == corpus
    assert tokens.manifest["made_from"] == {"corpus": f"corpus/{corpus.digest}"}


# the words of a reason

NAMES = {"": "corpus", "rules": "sources.*.rules", "sha256": "=the content of source one"}
RULES = {"rules": {"one": ["a", "b"]}}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"a": 1}, {"a": 2}, "corpus.a changed from 1 to 2"),
        ({"a": None}, {"a": True}, "corpus.a changed from none to true"),
        ({"q": {"x": 0.1}}, {"q": {"x": 0.2}}, "corpus.q.x changed from 0.1 to 0.2"),
        ({"a": "x"}, {"a": "y" * 99}, "corpus.a changed"),
        (RULES, {"rules": {"one": ["b", "c"]}}, "sources.one.rules lost a and gained c"),
        (RULES, {"rules": {"one": ["b", "a"]}}, "sources.one.rules is in another order"),
        ({"sha256": "12"}, {"sha256": "34"}, "the content of source one changed"),
        ({}, {"a": 3}, "corpus.a is new, 3"),
        ({"a": 3}, {}, "corpus.a is no longer there, it was 3"),
        ({"one": {"x": 1}}, {}, "corpus.one is no longer there"),
    ],
)
def test_a_changed_setting_in_words(before, after, words):
    made = Recipe("corpus", {}, after, names=NAMES)
    assert differences(made, {"config": before, "code": {}}) == [words]


def test_of_many_reasons_three_are_named():
    assert listed("a") == "a"
    assert listed("ab") == "a and b"
    assert listed("abc") == "a, b and c"
    assert listed("abcde") == "a, b, c and 2 more"
