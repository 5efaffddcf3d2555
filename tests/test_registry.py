"""MLflow's registry: which runs are versions, which of them is the best, and what it writes."""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import mlflow
import polars as pl
import pytest
import safetensors.torch

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.store import Store
from femtogpt.cli import main
from femtogpt.commands import writing_commands
from femtogpt.errors import UserError
from femtogpt.evaluation.document_scores import DOCUMENTS_FILE, SCORES
from femtogpt.training.metrics import METRICS_FILE, MetricsWriter
from tasks.mlflow_model import PARAMS
from tasks.mlflow_run import MLflowRun
from tests.helpers import config, listed
from tests.listening import open_to_others
from tests.local_services import await_answer, free_port
from tests.tiny import lively, readable, settings, shape

ROOT = Path(__file__).resolve().parent.parent
WORKS = [f"work {number}" for number in range(8)]
CHARACTERS = 1000
# Bits per character of each work.
GOOD = [1.5, 1.6, 1.4, 1.5, 1.7, 1.3, 1.5, 1.6]
BETTER = [bits - 0.1 + 0.01 * (number % 2) for number, bits in enumerate(GOOD)]
WORSE = [bits + 0.1 for bits in GOOD]
LOWER_BY_CHANCE = [bits + change for bits, change in zip(GOOD, [0.1, -0.2] * 4, strict=True)]

LOAD_BEST = (  # and say where its code is, and what it writes
    "import json, mlflow.pyfunc\n"
    "model = mlflow.pyfunc.load_model('models:/femtogpt-code@best')\n"
    "import femtogpt\n"
    "print(femtogpt.__file__)\n"
    "print(json.dumps(model.predict([{'prompt': 'мама'}], {'seed': 5})['text'][0]))"
)


class Runs:
    """Runs in a data folder and a store of MLflow's, made by hand: only their figures differ."""

    def __init__(self, folder: Path):
        self.data, self.mlruns = folder / "data", folder / "mlruns"
        self.store = Store(self.data)
        self.tokens = self.make("tokens", lambda into: readable(into) and {})
        self.run = self.make("run", self._train)

    def make(self, kind: str, build, **settings) -> Artifact:
        return self.store.make(Recipe(kind, {}, settings), build)

    def _train(self, into: Path) -> dict:
        (into / "settings.json").write_text(settings().model_dump_json())
        shutil.copy(self.tokens.path / "tokenizer.model", into)
        index = json.loads((self.tokens.path / "index.json").read_bytes())
        state = lively(shape(), index["vocab_size"]).state_dict()
        safetensors.torch.save_file(state, into / "model.safetensors")
        MetricsWriter(into / METRICS_FILE).log(
            step=1, tokens=9, seconds=1.0, time=1.0, train_loss=2
        )
        return {}

    def artifacts(self, bits: list[float] | None, works=WORKS) -> dict[str, Artifact]:
        """Those of a pipeline whose evaluation gave ``bits`` per character of each work."""
        corpus = self.make("corpus", lambda into: (into / "report.json").write_text("{}") and {})
        made = {"corpus": corpus, "tokens": self.tokens, "run": self.run}
        if bits is None:
            return made

        def evaluate(into: Path) -> dict:
            (into / "evaluation.json").write_text("{}")
            rows = [
                {**dict.fromkeys(SCORES), "source": "one", "id": work, "work": work}
                | {"characters": CHARACTERS, "bits": CHARACTERS * each}
                for work, each in zip(works, bits, strict=True)
            ]
            pl.DataFrame(rows, SCORES).write_parquet(into / DOCUMENTS_FILE)
            return {"held_out_bits_per_character": sum(bits) / len(bits)}

        return made | {"evaluation": self.make("evaluation", evaluate, bits=bits, works=works)}

    def record(self, name: str, seed: int, bits: list[float] | None, works=WORKS) -> dict:
        """Have MLflow record a run of the configuration ``name``, one for each seed."""
        own = config({"one": listed({"a": "а"})}, seed=seed)
        paths = own.paths.model_copy(update={"data": self.data, "mlruns": self.mlruns})
        mlflow_run = MLflowRun(own.model_copy(update={"name": name, "paths": paths}))
        return mlflow_run.complete(self.artifacts(bits, works))

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.mlruns / 'mlflow.db'}"

    @property
    def client(self):
        return mlflow.MlflowClient(self.uri)

    def best(self, name: str) -> str:
        return str(self.client.get_model_version_by_alias(f"femtogpt-{name}", "best").version)

    def versions(self, name: str) -> dict[str, str]:
        """The run of each version."""
        found = self.client.search_model_versions(f"name = 'femtogpt-{name}'")
        return {str(version.version): version.run_id for version in found}

    def load(self, address: str):
        with pytest.MonkeyPatch.context() as patch:  # set_tracking_uri would hold for other tests
            patch.setenv("MLFLOW_TRACKING_URI", self.uri)
            return mlflow.pyfunc.load_model(address)

    def generated(self, capsys, *arguments: str) -> str:
        """What ``femtogpt generate`` writes."""
        assert main(["generate", "--run", str(self.run.path), "--json", *arguments]) == 0
        return json.loads(capsys.readouterr().out)["text"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Runs:
    return Runs(tmp_path_factory.mktemp("registry"))


def test_the_best_is_loaded_and_writes_what_femtogpt_generate_writes(runs, capsys):
    record = runs.record("мой дом, 50%?#", 1, GOOD)
    assert record["model"] == "models:/femtogpt-мой-дом-50-/1"
    model = runs.load("models:/femtogpt-мой-дом-50-@best")
    one = runs.generated(capsys, "мама", "--seed", "5")
    two = runs.generated(capsys, "", "--seed", "6")
    assert len(one) > 20 and one != two
    written = model.predict([{"prompt": "мама"}, {"prompt": None}], {"seed": 5})
    assert written.to_dict("list") == {"text": [one, two]}
    options = ("--tokens", "30", "--temperature", "1.5", "--top-k", "9", "--top-p", "0.9")
    options += ("--min-p", "0.01", "--repetition-penalty", "1.2", "--stop", "а", "--seed", "7")
    params = {"tokens": 30, "temperature": 1.5, "top_k": 9, "top_p": 0.9, "min_p": 0.01}
    params |= {"repetition_penalty": 1.2, "stop": ["а"], "seed": 7}
    written = model.predict([{"prompt": "рама"}], params)
    assert written["text"][0] == runs.generated(capsys, "рама", *options)
    # Without a seed it is drawn.
    assert len({model.predict([{"prompt": "мама"}])["text"][0] for _ in range(3)}) > 1


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"temperature": -1.0}, "temperature -1.0 is out of range: give 0 to 10"),
        ({"top_k": 0}, "top_k 0 is out of range"),
        ({"stop": [""]}, "stop: "),
        ({"tokens": "many"}, "tokens"),
    ],
)
def test_what_cannot_be_written_is_refused_in_one_line(runs, params, words):
    model = runs.load(runs.record("plain", 1, GOOD)["model"])
    with pytest.raises(mlflow.MlflowException, match=words) as refused:
        model.predict([{"prompt": "мама"}], params)
    assert "\n" not in str(refused.value)


def test_a_version_has_a_signature_an_example_and_weights_that_are_stored_once(runs):
    record = runs.record("plain", 1, GOOD)
    model = runs.load(record["model"])
    assert model.metadata.signature.inputs.to_dict() == [
        {"type": "string", "name": "prompt", "required": True}
    ]
    assert model.metadata.signature.outputs.input_names() == ["text"]
    written = model.predict(model.input_example)
    assert list(written) == ["text"] and written["text"].map(type).eq(str).all()
    files = [file for file in (runs.mlruns / "artifacts").rglob("*") if file.is_file()]
    own = [file for file in files if record["run_id"] in file.parts]
    assert sum(file.name == "model.safetensors" for file in own) == 1
    assert not [file for file in files if file.suffix in (".pkl", ".pickle")]
    (folder,) = {file.parent for file in own if file.name == "MLmodel"}
    assert str(Path(__file__).parents[1]) not in (folder / "MLmodel").read_text("utf-8")
    required = (folder / "requirements.txt").read_text("utf-8").split()
    assert "torch==2.13.0" in required
    version = runs.client.get_model_version("femtogpt-plain", "1")
    assert version.tags["held_out_bits_per_character"] == f"{sum(GOOD) / 8:.4f}"


def test_the_alias_moves_only_where_the_interval_says_better(runs, caplog):
    caplog.set_level(logging.INFO, "femtogpt.tracking")
    course = [
        (GOOD, "1", ""),
        (WORSE, "1", " (version 2 is worse by 0.100 ± 0.000)"),
        (LOWER_BY_CHANCE, "1", " (no difference can be told: −0.050 ± "),
        (GOOD, "1", " (no difference can be told: 0.000 ± 0.000)"),
        (BETTER, "5", " (version 5 is better by 0.095 ± "),
        (GOOD, "5", " (version 6 is worse by 0.095 ± "),
    ]
    for number, (bits, best, words) in enumerate(course, 1):
        runs.record("course", number, bits)
        assert runs.best("course") == best
        line = caplog.messages[-1]
        assert line.startswith(
            f"registry: femtogpt-course, version {number}; best: version {best}{words}"
        )
        assert "\n" not in line


def test_few_works_tell_nothing(runs):
    for seed, bits in enumerate([GOOD[:4], [0.1] * 4]):
        runs.record("few", seed, bits, WORKS[:4])
    assert runs.best("few") == "1"


def test_of_two_corpora_the_works_that_both_hold_out_decide(runs):
    others = [f"other {number}" for number in range(8)]
    runs.record("corpora", 1, GOOD)
    runs.record("corpora", 2, BETTER, others)
    assert runs.best("corpora") == "1", "no work in common"
    runs.record("corpora", 3, [9.0, *BETTER[1:7], 9.0], ["other 8", *WORKS[1:7], "other 9"])
    assert runs.best("corpora") == "3"


def test_the_same_run_again_is_no_other_version(runs, caplog):
    first = runs.record("again", 1, GOOD)
    caplog.set_level(logging.INFO, "femtogpt.tracking")
    assert runs.record("again", 1, GOOD) == first
    assert caplog.messages == [f"record: up to date (MLflow run {first['run_id']})"]
    shutil.rmtree(runs.data / "tracking")
    assert runs.record("again", 1, GOOD) == first
    assert runs.record("again", 1, WORSE)["model"] == first["model"], "evaluated anew"
    assert runs.versions("again") == {"1": first["run_id"]}


def test_a_run_without_an_evaluation_is_no_version(runs):
    assert runs.record("generation", 1, None)["model"] == ""
    assert runs.versions("generation") == {}


@pytest.mark.slow
def test_deleted_versions_are_registered_anew_and_the_alias_is_on_one_that_is_there(runs):
    records = [runs.record("deleted", seed, bits) for seed, bits in enumerate([BETTER, GOOD])]
    runs.record("deleted", 2, WORSE)
    runs.client.delete_model_version("femtogpt-deleted", "1")
    assert runs.record("deleted", 3, WORSE)["model"].endswith("/4")
    assert runs.best("deleted") == "2", "the best that is left, not the newest"
    assert runs.record("deleted", 0, BETTER)["model"].endswith("/5")
    assert runs.best("deleted") == "5"
    assert runs.versions("deleted")["5"] == records[0]["run_id"]
    runs.client.delete_registered_model("femtogpt-deleted")
    assert runs.record("deleted", 1, GOOD)["model"].endswith("/1")
    assert runs.best("deleted") == "1"


@pytest.mark.slow
def test_a_version_whose_run_was_deleted_is_not_the_best(runs):
    first = runs.record("gone", 1, BETTER)
    runs.record("gone", 2, GOOD)
    runs.client.delete_run(first["run_id"])
    runs.record("gone", 3, WORSE)
    assert runs.best("gone") == "2"
    again = runs.record("gone", 1, BETTER)
    assert again["run_id"] != first["run_id"]
    assert runs.versions("gone")[runs.best("gone")] == again["run_id"]


@pytest.mark.slow
def test_what_a_person_made_the_best_stays_until_another_is_better(runs, tmp_path):
    for seed, bits in enumerate([BETTER, WORSE]):
        runs.record("hand", seed, bits)
    runs.client.set_registered_model_alias("femtogpt-hand", "best", "2")
    runs.record("hand", 2, GOOD)
    assert runs.best("hand") == "3"
    own = runs.client.create_model_version("femtogpt-hand", tmp_path.as_uri())
    runs.client.set_registered_model_alias("femtogpt-hand", "best", own.version)
    runs.record("hand", 3, BETTER)
    assert runs.best("hand") == str(own.version), "it cannot be compared"


def test_a_registry_that_is_away_is_told_in_one_line_and_has_the_run_afterwards(runs, monkeypatch):
    def refuse(*arguments, **named):
        raise mlflow.MlflowException("the registry is away")

    with monkeypatch.context() as away:
        away.setattr(mlflow.MlflowClient, "create_model_version", refuse)
        with pytest.raises(UserError, match=r"the registry is away.*the same command") as told:
            runs.record("away", 1, GOOD)
        assert "\n" not in str(told.value)
    record = runs.record("away", 1, GOOD)
    assert runs.versions("away") == {"1": record["run_id"]} and runs.best("away") == "1"


def test_the_parameters_are_those_of_femtogpt_generate():
    commands = argparse.ArgumentParser().add_subparsers()
    writing_commands.add(commands)
    options = vars(commands.choices["generate"].parse_args([]))
    assert {name: default for name, _, default in PARAMS}.items() <= options.items()


def outside(runs: Runs, tmp_path: Path) -> dict:
    """For a process that knows the store and nothing of this folder.

    Its environment is activated, as the documentation has it.
    """
    hidden = {"PYTHONPATH", "MLFLOW_TRACKING_URI"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"cwd": tmp_path, "env": {**kept, "PATH": path, "MLFLOW_TRACKING_URI": runs.uri}}


@pytest.mark.slow
def test_a_version_brings_the_code_that_writes(runs, tmp_path, capsys):
    runs.record("code", 1, GOOD)
    command = [sys.executable, "-c", LOAD_BEST]
    output = subprocess.check_output(command, **outside(runs, tmp_path), text=True, timeout=240)
    place, text = output.splitlines()
    assert str(runs.mlruns) in place
    assert json.loads(text) == runs.generated(capsys, "мама", "--seed", "5")


@pytest.mark.slow
def test_the_program_in_the_documentation_writes_as_it_stands(runs, tmp_path, capsys):
    runs.record("sample", 1, GOOD)
    page = (ROOT / "docs/compare-runs.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    environment = outside(runs, tmp_path)["env"]
    del environment["MLFLOW_TRACKING_URI"]
    where = {"cwd": runs.mlruns.parent, "env": environment}  # as in the project's folder
    output = subprocess.check_output([sys.executable, "-c", code], **where, text=True, timeout=240)
    written = runs.generated(capsys, "Однажды", "--tokens", "40", "--seed", "1")
    assert output == f"{written}\n"


@pytest.mark.slow
def test_the_best_is_served_to_this_machine_alone(runs, tmp_path, capsys):
    runs.record("served", 1, GOOD)
    port, opened = free_port(), tmp_path / "opened"
    command = [sys.executable, "-c", WATCHED, str(opened), "served", "--port", str(port)]
    environment = {**outside(runs, tmp_path)["env"], "PYTHONPATH": str(ROOT)}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        await_answer(f"http://127.0.0.1:{port}/ping", server)
        query = {"inputs": [{"prompt": "мама"}], "params": {"seed": 5}}
        status, answer = post(port, query)
        assert status == 200
        assert answer == {"predictions": [{"text": runs.generated(capsys, "мама", "--seed", "5")}]}
        status, answer = post(port, {**query, "params": {"temperature": -1}})
        assert status == 400 and "temperature -1.0 is out of range" in answer["message"]

        assert not open_to_others(server.pid)
        before = opened.read_text()
        for kind, body in (
            *(("application/json", json.dumps(wrong)) for wrong in WRONG),
            ("application/json", "[" * 100_000),
            ("application/json", '{"inputs": "\\ud800"}'),
            ("text/csv", "prompt\nfile:///etc/passwd"),
            ("text/csv", "file:///etc/passwd"),
            ("application/x-pickle", "../../etc/passwd"),
        ):
            status = status_of(port, body.encode(), **{"Content-Type": kind})
            assert status in (200, 400, 415, 422, 500), (kind, body[:80])
        good = json.dumps(query).encode()
        for status, headers in (
            (200, {"Origin": f"http://127.0.0.1:{port}"}),
            (200, {"Host": f"localhost:{port}"}),
            (403, {"Origin": "https://evil.test"}),
            (403, {"Origin": "null"}),
            (403, {"Origin": "http://127.0.0.1:1"}),
            (403, {"Host": f"evil.test:{port}"}),
            (413, {"Content-Length": "99999999"}),
        ):
            assert status_of(port, good, **headers) == status, headers
        assert post(port, query)[0] == 200, "it goes on"
        outside_of_it = set(opened.read_text().splitlines()) - set(before.splitlines())
        own = (sys.prefix, sys.base_prefix, str(ROOT), str(tmp_path), str(runs.mlruns), "/sys/")
        assert not [path for path in outside_of_it if not path.startswith(own)]
    finally:
        server.terminate()
        server.wait(30)


# Notes what is opened, then serves as make serve does.
WATCHED = """
import os, sys
note = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def opened(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        os.write(note, os.path.abspath(arguments[0]).encode("utf-8", "replace") + b"\\n")
sys.addaudithook(opened)
from flows.serve import main
sys.exit(main())
"""
WRONG = [
    *(None, 1, "x", [], [{}], {}, {"inputs": None}, {"inputs": "/etc/passwd"}),
    {"inputs": [{"prompt": {"a": 1}}]},
    {"inputs": [{"prompt": "мама"}], "params": {"tokens": "many"}},
    {"inputs": [{"prompt": "мама"}], "params": {"path": "/etc/passwd"}},
    {"dataframe_split": {"columns": ["prompt"], "data": [["../../../etc/passwd"]]}},
    {"dataframe_records": [{"prompt": "file:///etc/passwd", "other": 1}]},
    {"instances": [{"prompt": "http://127.0.0.1:1/"}]},
]


def status_of(port: int, body: bytes, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with closing(connection):
        connection.request(
            "POST", "/invocations", body, {"Content-Type": "application/json", **headers}
        )
        return connection.getresponse().status


def post(port: int, query: dict) -> tuple[int, dict]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations",
        json.dumps(query).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
