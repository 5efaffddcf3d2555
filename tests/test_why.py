"""Why a stage runs: before, as ``femtogpt why`` says it, and after, in the line that it was made.

The code that is edited is a copy of the product's, run in processes of its own.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from femtogpt.artifacts.store import Store
from femtogpt.cli import main
from femtogpt.config import QualityConfig
from femtogpt.corpus.build import build_corpus
from femtogpt.pipeline_stages import verdicts
from femtogpt.sources.fetch import fetch
from femtogpt.sources.texts import Kaggle
from tests.edited_copy import EditedCopy, process
from tests.helpers import config, listed, story
from tests.kaggle_home import NAME, archive, kaggle_at_home

STAGES = ("raw stories", "corpus", "tokenizer", "tokens", "run")
NOT_MADE = ("evaluation", "samples", "text_index", "memory", "ngram", "ppmd", "report")  # here
EASY = {
    "min_characters": 10,
    "min_cyrillic": 0,
    "quality": dict.fromkeys(QualityConfig.model_fields),
}
NEWER = "; the code is newer: --again train trains it anew"


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Iterator[EditedCopy]:
    """A copy whose line was run once."""
    copy = EditedCopy.create(tmp_path_factory.mktemp("why") / "copy")
    first = copy.make()
    assert {stage: line.split(" (")[0].strip() for stage, line in first.items()} == {
        stage: "made, because it did not exist yet" for stage in STAGES
    } | {"settings": first["settings"].split(" (")[0]}
    yield copy
    process().shutdown()


@pytest.fixture
def copy(template, tmp_path) -> EditedCopy:
    return template.clone(tmp_path / "copy")


def made(lines: dict[str, str]) -> dict[str, str]:
    """The stages that were made, or would be, with their reasons."""
    return {
        stage: line.partition(", because ")[2].strip()
        for stage, line in lines.items()
        if line.startswith(("made", "would be made", "would go on"))
    }


def test_before_anything_is_made_nothing_of_it_is_there(copy):
    lines = copy.why(data="elsewhere")
    assert made(lines) == dict.fromkeys([*STAGES, *NOT_MADE], "it does not exist yet")


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "kept",
    [(), ("raw",), *(pytest.param(kept, marks=SLOW) for kept in (("raw", "corpus"), ("run",)))],
)
def test_what_a_shared_store_has_would_be_taken_from_there(copy, tmp_path, kept):
    shared = tmp_path / "shared"
    shared.mkdir()
    copy.make(f"paths.remote={shared}")
    gone = [copy.data / stage.split()[0] for stage in STAGES if stage.split()[0] not in kept]
    for folder in gone:
        shutil.rmtree(folder)
    lines = copy.why(remote=shared)
    taken = {
        stage
        for stage, line in lines.items()
        if line.startswith("would be taken from the shared store, because it is no longer there")
    }
    assert taken == {stage for stage in STAGES if stage.split()[0] not in kept}
    assert not lines["run"].startswith("would be made")
    assert not any(folder.exists() for folder in gone), "it only looks"


def test_a_shared_store_without_it_leaves_it_to_be_made(copy, tmp_path):
    (tmp_path / "shared").mkdir()
    lines = copy.why(data="elsewhere", remote=tmp_path / "shared")
    assert lines["corpus"] == "would be made, because it does not exist yet"


def test_where_nothing_changed_all_is_up_to_date(copy):
    assert set(made(copy.why())) == {*NOT_MADE}
    assert made(copy.make()) == {}


def test_an_edited_docstring_or_comment_makes_nothing_and_neither_does_what_is_not_used(copy):
    quotes = "femtogpt/corpus/rules/quotes.py"
    copy.edit(quotes, '"""', '"""Edited. ')
    copy.edit(quotes, "\nimport ", "\n# a comment\nimport ")
    copy.add("femtogpt/corpus/corpus_report.py")
    copy.edit("femtogpt/progress.py", "10.0", "11.0")
    copy.edit("femtogpt/errors.py", "difflib.", "difflib . ")
    copy.edit("femtogpt/config.py", 'description="', 'description="edited ')
    lines = copy.make()
    assert made(lines) == {} and "newer" not in lines["run"]


def test_an_edited_rule_makes_the_corpus_again_and_what_comes_out_the_same_stays(copy):
    copy.add("femtogpt/corpus/rules/quotes.py")
    reason = "the code of femtogpt.corpus.rules.quotes changed"
    foreseen = made(copy.why())
    assert foreseen["corpus"] == reason
    assert foreseen["tokens"] == "corpus and tokenizer would be made again"
    assert "run" not in foreseen
    assert made(copy.make()) == {"corpus": reason}


def test_of_many_edited_modules_three_are_named(copy):
    for name in ("characters", "contents", "dedup", "marks", "quotes"):
        folder = "femtogpt/corpus" if name == "dedup" else "femtogpt/corpus/rules"
        copy.add(f"{folder}/{name}.py")
    reason = copy.why("corpus")["corpus"].partition(", because ")[2]
    assert reason == (
        "the code of femtogpt.corpus.dedup, femtogpt.corpus.rules.characters,"
        " femtogpt.corpus.rules.contents and 2 more changed"
    )


def test_a_changed_setting_is_named_with_both_values(copy):
    copy.edit("small.yaml", "held_out: 0.1", "held_out: 0.2, min_characters: 300")
    copy.edit("small.yaml", "kind: sample,", "kind: sample, rules: [quotes, dashes],")
    foreseen, done = made(copy.why()), made(copy.make())
    rules, *others = foreseen["corpus"].split(", ")
    assert rules.startswith("sources.stories.rules ")
    words = foreseen["corpus"]
    assert "corpus.held_out changed from 0.1 to 0.2" in words and others
    assert done["corpus"] == words
    assert foreseen["tokenizer"] == "corpus would be made again"
    assert done["tokenizer"] == "corpus changed"
    assert done["tokens"] == "corpus and tokenizer changed"
    assert done["run"].startswith("tokens changed")


def test_a_setting_that_goes_back_finds_what_was_made_with_it(copy):
    done = made(copy.make("corpus.min_characters=900"))
    assert done["corpus"] == "corpus.min_characters changed from 200 to 900"
    assert made(copy.make()) == {}
    done = made(copy.make("corpus.min_characters=800"))  # it is compared with what was used last
    assert done["corpus"] == "corpus.min_characters changed from 200 to 800"


@pytest.mark.parametrize(
    ("harm", "present", "past"),
    [
        (Path.unlink, "report.json is missing", "report.json was missing"),
        (
            lambda file: file.write_bytes(file.read_bytes()[:-1] + b"?"),
            "report.json does not match its checksum",
            "report.json did not match its checksum",
        ),
    ],
)
def test_a_damaged_or_missing_file_is_named(harm, present, past, copy):
    (report,) = copy.data.glob("corpus/*/report.json")
    harm(report)
    assert made(copy.why())["corpus"] == present
    assert made(copy.make()) == {"corpus": past}


@pytest.mark.slow
def test_what_was_deleted_is_no_longer_there(copy):
    (report,) = copy.data.glob("corpus/*/report.json")
    report.parent.rename(copy.folder / "aside")
    assert made(copy.why())["corpus"] == "it is no longer there"
    assert made(copy.make()) == {"corpus": "it was no longer there"}


def test_a_missing_file_of_the_person_is_told_where_it_is_needed(copy):
    copy.edit("small.yaml", "kind: sample, characters: 60000", "kind: files, path: nowhere.txt")
    lines = copy.why()
    assert lines["raw stories"].startswith("would fail: nowhere.txt: there is no such file")


# what is never discarded for changed code


def test_a_finished_training_outlives_edited_code_until_a_person_asks(copy):
    copy.add("femtogpt/training/loop.py")
    assert copy.why("train") == {"run": f"up to date {NEWER}"}
    lines = copy.make()
    assert made(lines) == {} and lines["run"] == f"up to date {NEWER}"

    assert made(copy.make("again=train")) == {"run": "--again asks for it"}

    lines = copy.make()
    assert made(lines) == {} and "newer" not in lines["run"]
    assert len(list(copy.data.glob("run/*/model.safetensors"))) == 2  # the old one is not lost


@pytest.mark.slow
def test_a_half_finished_training_goes_on_with_newer_code(copy):
    copy.make("train.max_steps=61", "stop")
    (partial,) = copy.data.glob("run/.*.partial")
    copy.add("femtogpt/training/loop.py")
    lines = copy.make("train.max_steps=61")
    assert made(lines) == {"run": "it was not finished"}
    assert not partial.exists()


@pytest.mark.slow
def test_a_training_that_is_begun_again_and_stopped_goes_on_with_the_next_plain_command(copy):
    copy.make("again=train", "stop")
    (partial,) = copy.data.glob("run/.*.partial")
    assert made(copy.make()) == {"run": "it was not finished"}
    assert not partial.exists()
    assert made(copy.make()) == {}


def test_of_settings_that_are_given_one_by_one_all_count(capsys):
    assert main(["why", "--set", "train.steps_of_old=1", "--set", "seed=1"]) == 1
    assert "steps_of_old" in capsys.readouterr().err


def test_any_stage_can_be_asked_for_again(copy):
    assert made(copy.make("again=corpus")) == {"corpus": "--again asks for it"}
    assert made(copy.make("again=fetch")) == {"raw stories": "--again asks for it"}
    assert made(copy.make()) == {}


# Kaggle


def test_a_new_version_at_kaggle_is_named(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    texts = {"books": Kaggle(dataset=NAME), "two": listed({str(n): story(n) for n in range(3)})}
    settings = config(texts, corpus=EASY)
    store = Store(tmp_path / "data", config=settings)

    def made_line(stage: str) -> str:
        raws = {name: fetch(store, name, source) for name, source in settings.sources.items()}
        build_corpus(store, settings, raws)
        lines = [line for line in caplog.messages if line.startswith(f"{stage}: made")]
        caplog.clear()
        return lines[0].partition(", because ")[2].partition(" (")[0]

    def foreseen(dataset: str) -> list[tuple[str, ...]]:
        changed = config({**texts, "books": Kaggle(dataset=dataset)}, corpus=EASY)
        return [verdict.state.reasons for verdict in verdicts(changed, store)]

    with kaggle_at_home(tmp_path, monkeypatch) as stand_in:
        assert made_line("raw books") == "it did not exist yet"
        stand_in.publish(NAME, archive(seed=1))
        stand_in.requests.clear()

        assert foreseen(NAME)[:3] == [(), (), ()]  # the newest at hand: nobody was asked
        books, _, corpus, *_ = foreseen(f"{NAME}/2")
        assert stand_in.requests == []

        change = f"sources.books.dataset changed from {NAME}/1 to {NAME}/2"
        assert books == (change,)
        assert corpus == ("raw books would be made again",)
        assert made_line("raw books") == change
        assert foreseen(NAME)[:3] == [(), (), ()]
        stand_in.publish(NAME, archive(seed=2))
        assert made_line("corpus") == "raw books changed"
