"""``femtogpt talk``: a dialogue with a model that was trained on turns."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from femtogpt.cli import main
from femtogpt.generation.dialogue import Dialogue
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.writer import Writer
from femtogpt.tokens.tokenizer import TOKENIZER_FILE, Tokenizer
from femtogpt.tokens.tokenizer import train as train_tokenizer
from tests.tiny import settings, trained, write_tokens

TURNS = "▸ Мама: мыла раму?\n▸ Рама: у мамы.\n" * 3
PROSE = "мама мыла раму\nу рамы мама\n" * 3
PIECES = train_tokenizer(iter([*TURNS.split("\n"), PROSE] * 20), 310, special=["▸"], at_most=True)


def model_of(text: str, folder: Path) -> Path:
    tokenizer = Tokenizer(PIECES)
    documents = [tokenizer.encode(text)] * 12
    splits = {"train": {"one": documents}, "held_out": {"one": documents[:1]}}
    tokens = write_tokens(folder / "tokens", splits, tokenizer.size)
    config = settings({"context": 64}, max_steps=60)
    run = trained(config, tokens, folder / "run")
    (run / "settings.json").write_text(config.model_dump_json())
    (run / TOKENIZER_FILE).write_bytes(PIECES)
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return model_of(TURNS, tmp_path_factory.mktemp("turns"))


@pytest.fixture
def talk(run, monkeypatch, capsys):
    """What the command says to lines of standard input."""

    def said(lines: str, *arguments: str, model: Path = run, status: int = 0) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(lines))
        how = ["--run", str(model), "--seed", "3", "--tokens", "30"]
        assert main(["talk", *how, *arguments]) == status
        captured = capsys.readouterr()
        return captured.err if status else captured.out

    return said


def test_each_line_gets_one_turn(talk):
    names = ["--as", "Мама", "--with", "Рама"]
    answers = talk("мыла раму?\n\nмыла?\n", *names)
    assert answers.count("Рама:") == 2 and "\n▸" not in answers
    assert answers == talk("мыла раму?\nмыла?\n", *names)
    assert answers.startswith(talk("мыла раму?\n", *names))


def test_the_model_reads_what_was_said_before(run):
    dialogue = Dialogue(Writer.load(run), "Мама", "Рама")
    first = "".join(dialogue.answer("мыла ▸ раму?", 12, Sampling(), 1))
    second = "".join(dialogue.answer("мыла?", 12, Sampling(), 1))
    assert [turn.speaker for turn in dialogue.turns] == ["Мама", "Рама"] * 2
    assert "\n".join(dialogue.turns[1].paragraphs) == first and first
    assert second


def test_a_model_of_other_text_says_so(talk, tmp_path):
    message = talk("а\n", model=model_of(PROSE, tmp_path), status=1)
    assert "not trained on turns" in message and message.count("\n") == 1


@pytest.mark.parametrize("name", ["", " ", "А: Б", "▸", "А\nБ"])
def test_a_name_that_no_turn_begins_with_is_refused(talk, name):
    assert "is no speaker's name: give one line, without" in talk("а\n", "--as", name, status=1)


def test_a_damaged_model_is_named(talk, run, tmp_path):
    for file, content, words in (
        ("model.safetensors", b"cut", "holds a damaged model (SafetensorError)"),
        ("settings.json", b"{", "holds a damaged model (JSONDecodeError)"),
        (TOKENIZER_FILE, b"cut", "is no tokenizer"),
        (TOKENIZER_FILE, train_tokenizer(iter([PROSE] * 9), 280, at_most=True), "has 3"),
    ):
        broken = shutil.copytree(run, tmp_path / words)
        (broken / file).write_bytes(content)
        message = talk("а\n", model=broken, status=1)
        assert words in message and message.count("\n") == 1
