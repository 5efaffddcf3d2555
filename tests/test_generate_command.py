"""``femtogpt generate``: which model writes, and what is written."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.store import Store
from femtogpt.cli import main
from femtogpt.config_origin import ConfigOrigin
from femtogpt.generation.engine import Engine
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.writing import write
from femtogpt.model.loading import load_model
from femtogpt.tokens.tokenizer import Tokenizer, train
from tests.helpers import config, listed
from tests.tiny import lively, settings, shape

PIECES = train(iter(["мама мыла раму", "у рамы мама, у мамы рама"] * 20), 300, at_most=True)
SIZE = Tokenizer(PIECES).size


class Models:
    """A data folder with trained models."""

    def __init__(self, data: Path):
        self.data = data

    def make(self, seed: int, name: str = "one", bits: float | None = None) -> Artifact:
        whose = config({"one": listed({"a": "а"})}).model_copy(update={"name": name})
        store = Store(self.data, config=whose.read_from(ConfigOrigin(is_plain=True)))

        def build(folder: Path) -> dict:
            (folder / "settings.json").write_text(settings().model_dump_json())
            (folder / "tokenizer.model").write_bytes(PIECES)
            state = lively(shape(), SIZE, seed).state_dict()
            safetensors.torch.save_file(state, folder / "model.safetensors")
            return {}

        run = store.make(Recipe("run", {}, {"seed": seed}, {}), build)
        if bits is not None:
            counts = {"held_out_bits_per_character": bits}
            store.make(Recipe("evaluation", {}, {"seed": seed}, {"run": run}), lambda _: counts)
        return run

    def written(self, run: Artifact, prompt: str = "", seed: int = 3) -> str:
        """What a model writes with the settings of the command."""
        engine, tokenizer = Engine(load_model(run.path, "cpu")), Tokenizer(PIECES)
        return write(engine, tokenizer, prompt, 12, Sampling(top_p=0.95), seed)


@pytest.fixture
def models(tmp_path) -> Models:
    return Models(tmp_path / "data")


@pytest.fixture
def generate(models, capsys):
    """What the command prints for some arguments."""

    def run(*arguments: str, status: int = 0) -> str:
        how = ["--tokens", "12", "--seed", "3", "--data", str(models.data)]
        assert main(["generate", *how, *arguments]) == status
        captured = capsys.readouterr()
        return captured.err if status else captured.out

    return run


def test_the_newest_model_continues_the_beginning(models, generate):
    models.make(1)
    newest = models.make(2)
    assert generate("мама") == "мама" + models.written(newest, "мама") + "\n"
    assert generate() == models.written(newest) + "\n"
    assert generate("мама") != generate("мама", "--seed", "4")


def test_a_model_is_named_in_several_ways(models, generate, tmp_path):
    low = models.make(1, "low", bits=1.5)
    high, newest = models.make(2, "high", bits=2.5), models.make(3, "newest")
    texts = {run.path: models.written(run) + "\n" for run in (low, high, newest)}
    assert len(set(texts.values())) == 3
    assert generate("--run", "best") == texts[low.path]
    for name in ("high", str(high.path), f"run/{high.path.name}", high.path.name[:8]):
        assert generate("--run", name) == texts[high.path]
    assert "no trained model 'hihg'; did you mean 'high'?" in generate("--run", "hihg", status=1)


def test_without_a_model_it_says_what_makes_one(models, generate):
    assert "make pipeline trains one" in generate(status=1)


def test_several_texts_differ_and_stand_apart(models, generate):
    run = models.make(1)
    texts = [models.written(run, "мама", seed) for seed in (3, 4)]
    assert texts[0] != texts[1]
    expected = f"мама{texts[0]}\n\n\n---\n\nмама{texts[1]}\n"
    assert generate("мама", "--count", "2") == expected


def test_several_beginnings_have_the_same_seeds(models, generate):
    run = models.make(1)
    texts = [prompt + models.written(run, prompt) for prompt in ("мама", "раму")]
    assert generate("мама", "раму") == "\n\n\n---\n\n".join(texts) + "\n"


def test_texts_written_at_once_are_those_written_one_by_one(models, generate):
    models.make(1)
    many = ["мама", "мыла", "", "--count", "7", "--json", "--stop", "ам"]
    lines = generate(*many)
    assert len(lines.splitlines()) == 21  # more than are written at once
    assert generate(*many, "--batch") == lines
    assert generate("мама", "--batch") == generate("мама")


def test_a_training_that_has_not_ended_is_no_model_yet(models, generate):
    whole = models.make(1)
    half = models.data / "run" / ".aaaabbbbccccdddd.partial"
    half.mkdir()
    (half / "settings.json").write_text(settings().model_dump_json())
    assert "half-finished at step 0 of 20: make pipeline" in generate("--run", "aaaa", status=1)
    assert "holds no finished model" in generate("--run", str(half), status=1)
    assert generate() == models.written(whole) + "\n"  # the newest that has ended


def test_programs_get_a_line_for_each(models, generate):
    run = models.make(1)
    lines = [json.loads(line) for line in generate("мама", "--count", "2", "--json").splitlines()]
    assert [line["seed"] for line in lines] == [3, 4]
    assert lines[0]["text"] == models.written(run, "мама")
    assert lines[0]["prompt"] == "мама" and lines[0]["run"] == str(run.path)


def test_without_a_seed_each_text_is_another(models, capsys):
    models.make(1)
    texts = set()
    for _ in range(2):
        main(["generate", "--tokens", "30", "--data", str(models.data)])
        texts.add(capsys.readouterr().out)
    assert len(texts) == 2


def test_the_beginning_may_come_from_standard_input(models, generate, monkeypatch):
    run = models.make(1)
    monkeypatch.setattr("sys.stdin", io.StringIO("мама\nмыла\n"))
    assert generate("-") == "мама\nмыла" + models.written(run, "мама\nмыла") + "\n"


def test_a_model_with_a_damaged_byte_does_not_write(models, generate):
    weights = models.make(1).path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert "model.safetensors does not match its checksum" in generate("мама", status=1)


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_a_beginning_that_is_no_utf8_is_refused_in_a_line(models, locale):
    models.make(1)
    environment = {**os.environ, "LC_ALL": locale, "PYTHONIOENCODING": "utf-8:strict"}
    for beginning, name in (("-", "standard input"), (b"\xff", "the beginning")):
        command = [sys.executable, "-m", "femtogpt.cli", "generate", beginning]
        command += ["--data", str(models.data)]
        done = subprocess.run(command, input=b"\xff\xfe", capture_output=True, env=environment)
        assert done.stderr.decode() == f"error: {name} is not UTF-8: give text in UTF-8\n"
        assert done.returncode == 1 and not done.stdout


def test_a_seed_that_torch_does_not_know_is_refused(models, generate, capsys):
    models.make(1)
    assert generate("--seed", str(2**63 - 1), "--count", "2")
    with pytest.raises(SystemExit):
        generate("--seed", str(2**63))
    assert "give less than 2 to the 63rd" in capsys.readouterr().err


def test_it_stops_before_a_text(models, generate):
    sign = models.written(models.make(1), "мама")[3:5]
    text = generate("мама", "--stop", sign)[len("мама") :]
    assert sign not in text and len(text) <= 4


def test_it_is_stopped_with_ctrl_c(models):
    models.make(1)
    command = [sys.executable, "-m", "femtogpt.cli", "generate", "мама", "--tokens", "1000000"]
    command += ["--data", str(models.data), "--run", "one", "--top-k", "5", "--stop", "нет такого"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        begun = process.stdout.read(40)  # it writes while it goes on
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert begun.decode(errors="ignore").startswith("мама")
    assert process.returncode == 130 and errors == b"" and rest.endswith(b"\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--temperature", "-1"], "temperature -1.0 is out of range: give 0 to 10"),
        (["--stop", ""], "--stop is empty"),
        (["--run", ""], "no trained model ''"),
        (["--weights", "int4"], "weights 'int4' are unknown"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(models, generate, arguments, words):
    models.make(1)
    message = generate(*arguments, status=1)
    assert words in message and message.count("\n") == 1
