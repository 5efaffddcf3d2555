"""The model card, and what is told of a model's texts when it is exported."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.store import Store
from femtogpt.cli import main
from femtogpt.export import exporting
from femtogpt.export.card import Card
from femtogpt.export.known_of_run import facts_of
from femtogpt.export.model_card import model_card
from femtogpt.export.sample_texts import Memorised, Sample
from tests.exports import Pipeline

FIGURES = r"(\d+[.,]\d{3})"


@pytest.fixture(scope="module")
def card(trained: Pipeline, tmp_path_factory) -> str:
    """The card of a model with all its lineage."""
    folder = tmp_path_factory.mktemp("card") / "there"
    assert main(["export", "hf", "--data", str(trained.data), "--to", str(folder)]) == 0
    return (folder / "README.md").read_text(encoding="utf-8")


def test_it_begins_as_the_hub_expects_and_leaves_the_licence_to_the_person(card):
    _, head, text = card.split("---\n", 2)
    about = yaml.safe_load(head)
    assert about["language"] == ["ru"] and about["library_name"] == "transformers"
    assert "license" not in about and "# license:" in head
    assert text.index("## По-русски") < text.index("## In English") < text.index("## Примеры")


def test_it_lists_the_sources_in_both_languages(trained: Pipeline, card):
    rows = re.findall(r"^\| (stories|verses|talks) \| (\w+) \| ([^|]+) \| ([^|]+) \|", card, re.M)
    assert [row[:2] for row in rows[:3]] == [
        *(("stories", "sample"), ("verses", "listed"), ("talks", "interviews"))
    ]
    russian, english = ([[re.sub(r"\D", "", cell) for cell in row[2:]] for row in part]
                        for part in (rows[:3], rows[3:]))  # fmt: skip
    assert russian == english
    characters = Artifact.load(next(trained.data.glob("corpus/*"))).counts["train_characters"]
    assert sum(int(row[1]) for row in english) == characters


def test_it_has_the_figures_of_the_evaluation_and_of_the_baseline(trained: Pipeline, card):
    bits = trained.evaluation.counts["held_out_bits_per_character"]
    assert f"**{bits:.3f} bits per character**" in card
    assert f"**{bits:.3f} бита на символ**".replace(".", ",") in card
    assert "n-gram (order 4): " in card and "n-gram (порядок 4) — " in card
    assert f"{trained.run.counts['parameters']:,}" in card


def test_its_samples_are_those_of_the_pipeline(trained: Pipeline, card):
    made = next(trained.data.glob("samples/*/samples.json"))
    blocks = re.findall(r"^```text\n(.*?)\n```$", card, re.DOTALL | re.MULTILINE)
    pipelines = [sample["prompt"] + sample["text"] for sample in json.loads(made.read_bytes())]
    assert len(blocks) == 3 and blocks[:2] == pipelines


@pytest.mark.parametrize("format", ["hf", "gguf"])
def test_a_model_of_conversations_comes_with_a_warning(
    trained: Pipeline, card, tmp_path, caplog, format
):
    assert "разговоры людей (talks)" in card and "conversations of people (talks)" in card
    main(["export", format, "--data", str(trained.data), "--to", str(tmp_path / "there")])
    (line,) = caplog.messages
    assert "conversations of people (talks)" in line


def without_talks(facts):
    sources = tuple(source for source in facts.sources if source.name != "talks")
    return replace(facts, sources=sources)


def card_of(trained: Pipeline, **changes) -> str:
    facts = without_talks(facts_of(trained.run.path))
    shape = trained.model.config
    usual = {"facts": facts, "shape": shape, "pieces": 700, "samples": (), "memorised": None}
    return model_card(Card(**{**usual, **changes}))


def test_a_model_of_other_texts_comes_without(trained: Pipeline):
    assert "conversations" not in card_of(trained) and "разговоры" not in card_of(trained)


def test_it_says_how_much_stands_verbatim_in_the_training_texts(trained: Pipeline):
    card = card_of(trained, memorised=Memorised(10, 0.0123, 1234))
    assert "of 10 texts that it wrote, 1.2% of the characters" in card
    assert "(текстов: 10) 1,2 % символов" in card and "has 1,234 characters" in card
    assert "Memory" not in card_of(trained)


def test_so_does_the_command(trained: Pipeline, tmp_path, monkeypatch, capsys):
    looked_up = []

    def memorised(index, samples):
        looked_up.append((index, samples))
        return Memorised(len(samples), 0.5, 60)

    data = tmp_path / "data"
    shutil.copytree(trained.data, data)
    corpus = Artifact.load(next(data.glob("corpus/*")))
    recipe = Recipe("text_index", {}, {}, {"corpus": corpus})
    index = Store(data).make(recipe, lambda folder: {})
    monkeypatch.setattr(exporting, "memorised", memorised)
    for format in ("hf", "gguf"):
        main(["export", format, "--data", str(data), "--to", str(tmp_path / format)])
    assert [(found, len(samples)) for found, samples in looked_up] == [(index.path, 10)] * 2
    assert capsys.readouterr().out.count("memory: of 10 texts that it wrote, 50.0%") == 2
    assert "of 10 texts that it wrote, 50.0%" in (tmp_path / "hf/README.md").read_text("utf-8")


def test_samples_are_shown_as_they_are(trained: Pipeline):
    text = "# не заголовок\n\n```python\n| строка |"
    assert f"````text\n{text}\n````" in card_of(trained, samples=[Sample("", text)])
    long = model_card_sample(card_of(trained, samples=[Sample("а ", "слово " * 1000)]))
    assert len(long) < 1300 and long.endswith(" …")


def test_a_text_that_ended_at_once_is_not_shown(trained: Pipeline):
    shown = card_of(trained, samples=[Sample("", ""), Sample("", "мама")]).split("Samples\n\n")[1]
    assert shown == "```text\nмама\n```\n"


def model_card_sample(card: str) -> str:
    return card.split("```text\n")[1].split("\n```")[0]


def started_from(trained: Pipeline, data: Path, origin: Path) -> Path:
    """A run that began with the weights of another."""

    def build(folder: Path) -> dict:
        for name in ("settings.json", "tokenizer.model", "model.safetensors"):
            shutil.copy(trained.run.path / name, folder)
        settings = json.loads((folder / "settings.json").read_bytes())
        settings["lineage"] = [{"path": str(origin), "weights": "…"}]
        (folder / "settings.json").write_text(json.dumps(settings))
        return {}

    return Store(data).make(Recipe("run", {}, {"from": str(origin)}, {}), build).path


def test_the_texts_of_the_model_that_it_started_from_count_too(trained: Pipeline, tmp_path):
    data = tmp_path / "data"
    for origin in (trained.run.path, trained.run.path / "checkpoints/00000150"):
        assert facts_of(started_from(trained, data, origin)).private == ["talks"]
    unknown = facts_of(started_from(trained, data, tmp_path / "gone"))
    assert unknown.private == [] and not unknown.knows_all_texts
    told = replace(facts_of(trained.run.path), knows_all_texts=False)
    assert "nothing is known of that model's texts" in card_of(trained, facts=told)


def test_what_is_no_longer_there_is_left_out(trained: Pipeline, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(trained.data, data)
    run = data / "run" / trained.run.path.name
    for kind in ("evaluation", "samples", "ngram", "raw"):
        shutil.rmtree(data / kind)
    facts = facts_of(run)
    assert facts.held_out is None and facts.baselines == () and len(facts.sources) == 3
    shutil.rmtree(data / "corpus")
    assert facts_of(run).sources == () and facts_of(run).tokens
