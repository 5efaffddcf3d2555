"""What is trained in a given time: chosen by a law and a speed, kept, and what is set stays."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.cli import main
from femtogpt.errors import UserError
from femtogpt.model import loading
from femtogpt.pipeline_stages import stages_of
from femtogpt.scaling import MOST_EPOCHS, beta2
from femtogpt.scaling_law import ScalingLaw, law_for
from femtogpt.training import budget_stage, plan_report
from femtogpt.training.budget import Budget, Choice, choices, prospects, told
from femtogpt.training.budget_stage import for_this_machine
from femtogpt.training.settings import resolve
from femtogpt.training.training_stage import recipe
from tests.test_scaling_law import law

TEXT, VOCAB = 10_000_000, 8000
FILE = "model: {size: nano, context: 256}\ntrain: {max_steps: 1500, batch_size: 8, patience: 3}\n"


def step_seconds(model, train, compiled: bool) -> float:
    """Seconds of a step on a made-up machine of 50 GFLOP/s, compiled or not."""
    tokens = train.batch_size * model.context
    return tokens * model.flops_per_token(VOCAB) / (5e10 if compiled else 4e10)


def budget(hours: float, text: float = TEXT, model=None, **train) -> Budget:
    return Budget(3600 * hours, model or {"context": 256}, {"hours": hours, **train}, VOCAB, text)


def best(*arguments, **settings) -> Choice:
    return choices(budget(*arguments, **settings), law(), step_seconds)[0]


# the choice


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 100))
def test_a_training_fills_its_time_and_none_takes_longer(hours):
    every = choices(budget(hours), law(), step_seconds)
    assert every[0].expected.bits == min(choice.expected.bits for choice in every)
    for choice in every:
        assert choice.seconds <= 3600 * hours
        step = step_seconds(choice.model, choice.train, choice.compiled)
        is_full = choice.seconds > 3600 * hours - 1.1 * step
        assert is_full or choice.epochs > 0.98 * MOST_EPOCHS


def test_an_n_gram_teaches_no_longer_than_the_training():
    to_the_end = best(0.2, ngram_tokens=100_000_000)
    assert to_the_end.tokens > 500_000 and 0.98 * 720 < to_the_end.seconds <= 720
    assert to_the_end.tokens <= best(0.2).tokens
    assert best(0.05).train.max_steps >= 100  # three minutes


def test_more_time_is_for_larger_models_and_longer_trainings():
    short, long = best(0.2), best(20)
    assert short.parameters < long.parameters and short.tokens < long.tokens
    assert long.expected.bits < short.expected.bits


def test_little_text_is_for_smaller_models():
    assert best(20, text=300_000).parameters < best(20).parameters
    assert best(20, text=300_000).epochs <= MOST_EPOCHS


def test_a_size_that_is_given_is_kept_and_only_the_length_chosen():
    chosen = best(1, model={"layers": 3, "width": 192, "heads": 3, "context": 128}, batch_size=4)
    assert (chosen.model.layers, chosen.model.width, chosen.train.batch_size) == (3, 192, 4)
    assert len(choices(budget(1, model={"width": 192, "heads": 3}), law(), step_seconds)) == 1


def test_the_dial_sets_batch_and_rate_of_what_is_chosen():
    chosen = best(5)
    usual = 0.012 * (256 / chosen.model.width) ** 0.5
    assert chosen.train.learning_rate == pytest.approx(usual / 2, rel=1e-3)  # begun from the text
    random = best(5, embedding_init="random")
    assert random.train.learning_rate == pytest.approx(
        0.012 * (256 / random.model.width) ** 0.5, rel=1e-3
    )
    tokens = chosen.train.batch_size * chosen.model.context
    assert chosen.train.beta2 == beta2(tokens)
    assert best(5, learning_rate=0.02).train.learning_rate == 0.02


def test_what_is_not_set_is_what_gains_most():
    train = best(2).train
    begun = ("cooccurrence", 1.0, 128)
    assert (train.embedding_init, train.ngram_share, train.first_context) == begun
    assert (train.decay, train.subword_rate, train.softmax_tokens) == (0.8, 0.7, 3000)
    wide = best(200, model={"context": 256, "width": 640, "layers": 10, "heads": 10})
    assert wide.train.softmax_tokens is None  # its head takes little of the time
    given = {"embedding_init": "random", "ngram_share": 0.2, "decay": 0.4, "subword_rate": 0.0}
    train = best(2, **given).train
    assert {name: getattr(train, name) for name in given} == given
    further = best(2, model={"context": 100, "width": 128, "heads": 2}, init_from="data/run/one")
    assert further.train.embedding_init == "random" and further.train.first_context is None
    assert not further.train.ngram_share  # it knows more than that already
    assert best(2, warmup=0.5).train.decay == 0.5  # both are shares of the steps
    assert best(2, decay=0.0).train.first_context is None  # it ends when the rate falls


def test_the_more_often_a_text_is_read_the_more_is_dropped():
    once, often = best(0.1), best(20, text=1_000_000)
    assert once.epochs <= 1 and once.model.dropout == 0.0
    assert often.epochs > 8 and often.model.dropout == 0.2
    assert best(20, text=1_000_000, model={"context": 256, "dropout": 0.05}).model.dropout == 0.05


def test_a_time_in_which_nothing_can_be_trained_is_told():
    with pytest.raises(UserError, match="is too short to train this model here: give more hours"):
        best(0.05, model={"width": 1024, "layers": 16, "heads": 16})


def test_it_is_told_in_three_lines_and_survives_a_file():
    chosen = best(2)
    settings, expected, basis = told(chosen, 2)
    assert settings.startswith(f"chosen for 2 h: {chosen.model.layers} layers ×")
    assert f"{chosen.train.max_steps:,} steps" in settings
    assert f"{chosen.expected.bits:.3f} bits per character" in expected
    assert basis == "by a scaling law of runs that are not named"
    assert Choice.of(json.loads(json.dumps(chosen.as_dict()))) == chosen


def test_what_is_expected_of_a_text_is_told_by_a_law_of_that_text_only():
    of_books = replace(law(), made_from={"sources": ["books"]})
    for sources, is_known in ((["books"], True), (["books", "talks"], False)):
        wanted = replace(budget(2), sources=sources)
        _, expected, _ = told(choices(wanted, of_books, step_seconds)[0], 2)
        assert ("in nine of ten trainings" in expected) == is_known
        assert ("not known for this text" in expected) != is_known
    of_others = replace(of_books, made_from={"sources": ["books"], "vocab_size": 300})
    wanted = replace(budget(2), sources=["books"])
    assert "not known" in told(choices(wanted, of_others, step_seconds)[0], 2)[1]


def test_the_prospects_say_what_doubling_would_bring():
    chosen = best(20, text=1_000_000)
    lines = prospects(chosen, budget(20, text=1_000_000), law(), step_seconds)
    text, parameters, time = (line.rpartition(": ")[2] for line in lines)
    assert float(text.split()[0]) < 0 and lines[1].startswith("about twice the parameters (")
    assert float(parameters.split()[0]) and time == "no change"  # it has read the text so often


def test_twice_the_time_brings_no_less_than_what_takes_less():
    chosen = best(2)
    _, parameters, time = prospects(chosen, budget(2), law(), step_seconds)
    assert ", in 3" in parameters  # hours: the head takes no more than twice its time
    assert float(time.split()[-4]) <= float(parameters.split()[-4])


def test_what_brings_nothing_is_told_in_words():
    plain = {"ngram_share": 0.0, "embedding_init": "random"}  # more text would be more to count
    text, *_ = prospects(best(0.2, **plain), budget(0.2, **plain), law(), step_seconds)
    assert text == "twice the text, in the same time: no change"


def test_a_time_is_shared_by_generations():
    each = best(2, generations=2)
    assert each.seconds < 2 * 3600 and ", in" not in told(each, 2)[0]


# what a person writes


def test_hours_replace_the_length_and_the_size_of_the_file_but_not_what_is_set_beside_them(load):
    free = Budget.of(load(FILE, "train.hours=2"), TEXT, VOCAB)
    assert free.is_free and free.seconds == 7200
    assert not {"max_steps", "batch_size", "patience", "learning_rate"} & free.train.keys()
    assert free.model == {"context": 256}
    set_by_hand = load(FILE, "train.hours=2", "model.size=14_000_000", "train.batch_size=4")
    given = Budget.of(set_by_hand, TEXT, VOCAB)
    assert not given.is_free and given.model["width"] == 384 and given.train["batch_size"] == 4
    in_the_file = load("model: {width: 128, heads: 2}\ntrain: {hours: 1}\n")
    assert not Budget.of(in_the_file, TEXT, VOCAB).is_free


@pytest.mark.parametrize("length", ["max_steps", "epochs"])
def test_hours_beside_a_length_are_refused_in_a_line(load, length):
    with pytest.raises(UserError, match=rf"give train.hours or train.{length}, not both$"):
        load("", "train.hours=2", f"train.{length}=5")
    assert load("train: {hours: 2}\n", f"train.{length}=5").train.hours is None


def test_weights_to_start_from_have_their_own_size(load):
    with pytest.raises(UserError, match=r"train.init_from has one: set model.size too"):
        load("", "train.hours=2", "train.init_from=data/run/one")
    assert load("", "train.hours=2", "train.init_from=data/run/one", "model.size=nano")


def test_too_little_time_is_refused(load):
    with pytest.raises(UserError, match=r"train.hours is 0.01: .*allowed: ≥ 0.05"):
        load("", "train.hours=0.01")


# the stage


@pytest.fixture
def measured(monkeypatch, tokens):
    """The configuration, its tokens, and how often the machine was measured; none is."""
    counted = Counter()

    def choose(wanted: Budget, values) -> Choice:
        counted["measured"] += 1
        faster = replace(wanted, seconds=wanted.seconds / counted["measured"])
        return choices(faster, ScalingLaw.of(values), step_seconds)[0]

    monkeypatch.setattr(budget_stage, "_chosen_by_process", choose)
    artifact = Artifact(tokens.folder, "tokens", "tokens", "tokens", {})
    return artifact, counted


def test_what_was_chosen_is_kept(measured, tmp_path, load, caplog):
    caplog.set_level("INFO")
    tokens, counted = measured
    config = load("", "train.hours=2", f"paths.data={tmp_path / 'data'}")
    store = Store.of(config)
    first = budget_stage.choose(store, config, tokens)
    again = budget_stage.choose(
        store, load("", "train.hours=2", "train.checkpoint_minutes=1"), tokens
    )
    assert again == first and counted["measured"] == 1
    assert caplog.text.count("chosen for 2 h:") == 2
    assert "vocabulary (make law CONF=… finds out); on the law's own" in caplog.text
    assert caplog.text.count(f"by {law_for('classics', tmp_path).basis}") == 2
    budget_stage.choose(store, load("", "train.hours=3"), tokens)
    assert counted["measured"] == 2


def test_a_choice_that_another_version_kept_is_told_in_a_line(measured, tmp_path, load):
    tokens, _ = measured
    config = load("", "train.hours=2", f"paths.data={tmp_path / 'data'}")
    choice = budget_stage.choose(Store.of(config), config, tokens)
    (choice.path / budget_stage.CHOICE_FILE).write_text('{"model": {}, "train": {}}')
    with pytest.raises(UserError, match=r"choice.json was kept by another version.*AGAIN=choose"):
        budget_stage.with_choice(config, choice)


def test_a_training_of_hours_is_the_one_of_the_same_settings(measured, tmp_path, load, tokens):
    artifact, _ = measured
    config = load("", "train.hours=2", f"paths.data={tmp_path / 'data'}", "train.device=cpu")
    chosen = budget_stage.with_choice(
        config, budget_stage.choose(Store.of(config), config, artifact)
    )
    settings = resolve(chosen, tokens)
    assert settings.train.hours == 2 and settings.train.device == "cpu"
    by_hand = settings.model_copy(
        update={"train": settings.train.model_copy(update={"hours": None})}
    )
    assert recipe(by_hand, artifact).digest == recipe(settings, artifact).digest
    with pytest.raises(UserError, match=r"train.hours is for make pipeline"):
        resolve(config, tokens)


def test_a_look_at_the_pipeline_finds_the_choice_and_its_training(measured, tmp_path, load):
    tokens, _ = measured
    config = load("", "train.hours=2", f"paths.data={tmp_path / 'data'}")
    store = Store.of(config)
    by_name = {stage.name: stage for stage in stages_of(config, store)}
    choice = budget_stage.choose(store, config, tokens)
    assert by_name["choice"].recipe({"tokens": tokens}).digest == choice.digest
    run = by_name["run"].recipe({"tokens": tokens, "choice": choice})
    assert run.config["train"]["max_steps"] == choice.counts["steps"]
    assert "choice" not in {stage.name for stage in stages_of(load(""), store)}


@pytest.mark.slow
def test_a_machine_that_cannot_be_measured_is_told_in_a_line(load, tokens, tmp_path):
    config = load("", "train.hours=0.05", "train.device=cuda:77", f"paths.data={tmp_path}")
    wanted = Budget.of(config, TEXT, VOCAB)
    with pytest.raises(UserError, match=r"^[^\n]+$"):
        budget_stage._chosen_by_process(wanted, law().as_dict())


# where there is no card

NIGHT = "model: {size: 14_000_000, dropout: 0.1}\ntrain: {epochs: 16, hours_without_card: 8}\n"


def on(monkeypatch, device: str):
    monkeypatch.setattr(loading, "find_device", lambda name: torch.device(device))


def test_without_a_card_the_hours_for_that_take_the_place_of_length_and_size(
    monkeypatch, load, caplog
):
    caplog.set_level("INFO")
    on(monkeypatch, "cpu")
    config = for_this_machine(load(NIGHT))
    by_hand = load("", "train.hours=8")
    assert config.train == by_hand.train and config.model == by_hand.model
    assert Budget.of(config, TEXT, VOCAB) == Budget.of(by_hand, TEXT, VOCAB)
    assert "no card: training for 8 h" in caplog.text
    assert "choice" in {stage.name for stage in stages_of(load(NIGHT), Store.of(config))}
    beside = ("model.dropout=0.3", "train.batch_size=4", "train.patience=2")
    kept = for_this_machine(load(NIGHT, *beside))
    assert kept.train == load("", "train.hours=8", *beside).train
    assert kept.model.dropout == 0.3


def test_with_a_card_they_change_nothing(monkeypatch, load, tokens):
    on(monkeypatch, "cuda")
    config = load(NIGHT)
    assert for_this_machine(config) == config
    artifact = Artifact(tokens.folder, "tokens", "tokens", "tokens", {})
    plain = load(NIGHT, "train.hours_without_card=null")
    assert (
        recipe(resolve(config, tokens), artifact).digest
        == recipe(resolve(plain, tokens), artifact).digest
    )


@pytest.mark.parametrize(
    "given", ["train.hours=2", "train.epochs=1", "train.max_steps=9", "model.size=nano"]
)
def test_a_length_or_a_size_that_is_given_wins_over_them(monkeypatch, load, given):
    on(monkeypatch, "cpu")
    config = load(NIGHT, given)
    assert for_this_machine(config) == config


# the plan


def test_the_plan_of_a_time_says_what_is_chosen_and_what_more_would_bring(
    monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(plan_report, "speed_here", lambda budget: (step_seconds, None))
    assert main(["plan", "--config", "classics", "--hours", "2", "--tokens", "10_400_000"]) == 0
    shown = capsys.readouterr().out
    assert "in nine of ten trainings" in shown
    for words in ("Budget      chosen for 2 h", "expected:", "Or          twice the text"):
        assert words in shown
    assert "twice the parameters" in shown and "twice the time" in shown
    assert f"by {law_for('classics', tmp_path).basis}" in shown


def test_the_plan_of_a_time_on_a_card_is_for_that_card(capsys):
    wanted = ["plan", "--config", "classics", "--hours", "0.2", "--tokens", "10_400_000"]
    assert main([*wanted, "--device", "rtx-2070-super", "--vram", "8GB"]) == 0
    found = re.search(r"^Time +(\d+) min on rtx-2070-super", capsys.readouterr().out, re.MULTILINE)
    assert found is not None and 8 <= int(found[1]) <= 12
