"""Training that goes on from other weights, and what it says of its texts."""

from __future__ import annotations

import logging

import pytest

from femtogpt.artifacts.disk import file_digest
from femtogpt.errors import Stopped, UserError
from femtogpt.training.initialization import lineage
from femtogpt.training.loop import train
from tests.tiny import course, outcome, settings, stop_after, trained


def test_a_training_begins_with_the_weights_of_another_and_says_so(tokens, run, tmp_path):
    first = trained(settings(), tokens, tmp_path / "first")
    (first / "settings.json").write_text(settings().model_dump_json())
    for number, origin in enumerate(
        [first, first / "checkpoints/00000020", first / "model.safetensors"]
    ):
        config = settings(init_from=str(origin), max_steps=4)
        second = trained(config, tokens, tmp_path / f"second{number}")
        assert course(second)[0]["held_out_loss"] == course(first)[-1]["held_out_loss"]
    (history,) = lineage(first)
    assert history["weights"] == file_digest(first / "model.safetensors")
    (second / "settings.json").write_text(
        config.model_copy(update={"lineage": lineage(first)}).model_dump_json()
    )
    assert lineage(second)[1:] == [history]


def test_a_training_that_began_with_other_weights_is_resumed_from_its_own(tokens, run, tmp_path):
    first = trained(settings(), tokens, tmp_path / "first")
    config = settings(init_from=str(first), optimizer="adamw")
    unbroken = outcome(trained(config, tokens, tmp_path / "whole"))
    with pytest.raises(Stopped):
        train(config, tokens, run, stop_after(7))
    train(config, tokens, run)
    assert outcome(run) == unbroken


def test_weights_that_do_not_fit_are_told_in_a_line(tokens, run, tmp_path):
    first = trained(settings({"width": 32}), tokens, tmp_path / "first")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes((first / "model.safetensors").read_bytes()[:-100])
    for origin, message in [
        (first, r"another shape \(embed_tokens.weight is 24 × 32, not 24 × 16\)"),
        (tmp_path / "none", "there are no weights in"),
        (damaged, "cannot be read"),
    ]:
        with pytest.raises(UserError, match=message):
            train(settings(init_from=str(origin)), tokens, run)
    assert not (run / "model.safetensors").exists()


def test_tokens_of_another_tokenizer_are_refused_and_nothing_is_overwritten(tokens, run):
    (run / "tokenizer.model").write_bytes(b"one")
    (tokens.folder / "tokenizer.model").write_bytes(b"one")
    with pytest.raises(Stopped):
        train(settings(), tokens, run, stop_after(7))
    (tokens.folder / "tokenizer.model").write_bytes(b"other")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match="made with another tokenizer than the training in"):
        train(settings(), tokens, run)
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_weights_beside_another_tokenizer_are_refused(tokens, run, tmp_path):
    first = trained(settings(), tokens, tmp_path / "first")
    (first / "tokenizer.model").write_bytes(b"one")
    (tokens.folder / "tokenizer.model").write_bytes(b"other")
    with pytest.raises(UserError, match=r"another tokenizer: set tokenizer\.path="):
        train(settings(init_from=str(first)), tokens, run)


def test_what_is_held_out_of_each_source_is_told_apart(tokens, run):
    train(settings(), tokens, run)
    last = [line for line in course(run) if "held_out_loss" in line][-1]
    name = "held_out_bits_per_character_estimate"
    sizes = {
        source: part["characters"] for source, part in tokens.index["splits"]["held_out"].items()
    }
    mean = sum(last[f"{name}/{source}"] * size for source, size in sizes.items())
    assert last[name] == pytest.approx(mean / sum(sizes.values()), rel=0.05)


def test_a_context_longer_than_any_document_is_told(tokens, run, caplog):
    for part in tokens.index["splits"]["train"].values():
        part["longest"] = 30
    with caplog.at_level(logging.WARNING):
        train(settings({"context": 32}, max_steps=2), tokens, run)
    assert "model.context 32 is longer than the longest document, of 30 tokens" in caplog.text
