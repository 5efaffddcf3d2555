"""Prefect's form: all settings, with types and ranges, and nothing filled in."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from femtogpt.config import Config, ModelConfig, TrainConfig
from femtogpt.config_file import load_config, nested, read_overrides
from flows.parameters import NO_CHANGES, Settings


def section(name: str) -> dict:
    schema = Settings.model_json_schema()
    return schema["$defs"][schema["properties"][name]["$ref"].rpartition("/")[2]]["properties"]


def test_every_setting_is_offered_with_its_range_and_meaning():
    offered = set(Settings.model_json_schema()["properties"])
    assert offered == set(Config.model_fields)
    assert set(section("train")) == set(TrainConfig.model_fields)
    assert set(section("model")) == set(ModelConfig.model_fields)
    steps, batch = section("train")["max_steps"], section("train")["batch_size"]
    assert steps["description"] == "optimiser steps; default: by epochs. Allowed: ≥ 1"
    assert section("train")["warmup"]["description"].endswith("≥ 0 and ≤ 1. Default: 0.02")
    assert (batch["type"], batch["minimum"]) == ("integer", 1)
    assert section("train")["optimizer"]["enum"] == ["muon", "adamw"]


def test_a_setting_is_called_as_it_is_written_elsewhere():
    for name, part in Settings.model_json_schema()["properties"].items():
        assert part["title"] == name
    for name in ("train", "model", "corpus", "tokenizer", "samples", "baselines", "paths"):
        assert all(about.get("title") == field for field, about in section(name).items())


def test_nothing_is_filled_in_that_a_form_would_give_as_a_change():
    for name, part in Settings.model_json_schema()["properties"].items():
        assert "default" not in part, name
    for name in ("train", "model", "corpus", "tokenizer", "samples", "baselines", "paths"):
        assert not [field for field, about in section(name).items() if "default" in about]
    assert NO_CHANGES.model_dump(mode="json") == {}


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["train.max_steps=7", "seed=3", "name=mine"],
        ["model.size=nano", "train.patience=null"],
        ["corpus.quality.code=0.5", "samples.prompts=[Утро, Вечер]"],
        ["sources.classics.weight=2"],
        ["sources=[sample]", "paths.data=/tmp/elsewhere"],
    ],
)
def test_a_flow_has_the_configuration_that_the_command_line_has(overrides):
    given = Settings.model_validate(nested(read_overrides(overrides)))
    again = Settings.model_validate_json(given.model_dump_json())  # through Prefect's server
    changes = again.model_dump(mode="json")
    assert load_config("home-8gb", changes=changes) == load_config("home-8gb", overrides)


@pytest.mark.parametrize(
    "wrong",
    [
        {"train": {"max_stepz": 3}},
        {"trian": {}},
        {"train": {"max_steps": 0}},
        {"train": {"learning_rate": "fast"}},
        {"name": "mine!"},
    ],
)
def test_what_is_wrong_is_refused(wrong):
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)
