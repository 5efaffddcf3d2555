"""What a data folder holds: who uses it, what may go, and what never goes unasked."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from femtogpt.artifacts.artifact import MANIFEST, Artifact, Recipe
from femtogpt.artifacts.disk import json_digest
from femtogpt.artifacts.inventory import Inventory, entries
from femtogpt.artifacts.store import Store
from femtogpt.cli import main
from femtogpt.commands.artifact_list import inventory, listing, prune
from femtogpt.config_origin import ConfigOrigin
from femtogpt.errors import UserError
from tests.helpers import config, listed

PLAIN = ConfigOrigin(is_plain=True)
CHANGED = ConfigOrigin(changes=("train.max_steps=9",))
ELSEWHERE = ConfigOrigin(path=Path("/home/person/mine.yaml"))
NEEDS = {
    "raw": (),
    "corpus": ("raw",),
    "tokenizer": ("corpus",),
    "tokens": ("corpus", "tokenizer"),
    "run": ("tokens",),
    "evaluation": ("tokens", "run"),
}


class Folder:
    """A data folder in which lines of small artifacts are made."""

    def __init__(self, root: Path):
        self.root = root

    def make(
        self, name: str, settings: dict[str, int], origin: ConfigOrigin = PLAIN, stop: str = ""
    ) -> dict[str, Artifact]:
        """The line of a configuration; ``settings`` by stage; ``stop``: interrupted there."""
        whose = config({"one": listed({"a": "а"})}).model_copy(update={"name": name})
        store = Store(self.root, config=whose.read_from(origin))
        line: dict[str, Artifact] = {}
        for kind, needs in NEEDS.items():
            value = settings.get(kind, 0)
            inputs = {need: line[need] for need in needs}
            recipe = Recipe(kind, {"m": "1"}, {"value": value}, inputs)

            def build(folder: Path, kind: str = kind, value: int = value) -> dict:
                (folder / "file").write_text(f"{kind} {value} {sorted(settings.items())}")
                if kind == stop:
                    raise KeyboardInterrupt
                return {}

            try:
                line[kind] = store.make(recipe, build, resumable=kind == "run")
            except KeyboardInterrupt:
                break
        return line

    def age(self, artifact: Artifact) -> None:
        """Have an artifact's manifest say what one of version 0.1 says."""
        kept = {
            key: value
            for key, value in artifact.manifest.items()
            if key not in ("code", "made_from", "configuration", "stage", "self")
        }
        kept |= {"version": 1}
        (artifact.path / MANIFEST).write_text(json.dumps({**kept, "self": json_digest(kept)}))

    def prune(self, configurations: set[str], named: dict[str, str] | None = None) -> list[str]:
        """Remove what nothing needs; the kinds of what went."""
        holding = Inventory(self.root, configurations, named)
        gone = [entry.name for entry in holding.removable]
        list(prune(holding, yes=True))
        return gone


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path / "data")


def is_there(artifacts: dict[str, Artifact]) -> bool:
    return all((artifact.path / MANIFEST).is_file() for artifact in artifacts.values())


def test_what_an_earlier_setting_left_goes_but_for_the_model_and_its_tokens(folder):
    first, second = folder.make("one", {"corpus": 1}), folder.make("one", {"corpus": 2})
    gone = folder.prune({"one"})
    kept = {name for name in first if first[name].path.exists()}
    assert kept == {"raw", "tokens", "run"}
    assert {name.split("/")[0] for name in gone} == {"corpus", "tokenizer", "evaluation"}
    assert is_there(second)
    assert folder.prune({"one"}) == []


@pytest.mark.parametrize("origin", [CHANGED, ELSEWHERE])
def test_what_was_made_otherwise_than_by_a_file_in_conf_stays_with_its_sources(origin, folder):
    lines = [folder.make("one", {"corpus": value}, origin) for value in (1, 2)]
    lines.append(folder.make("one", {}))
    assert folder.prune({"one"}) == []
    assert all(map(is_there, lines))


def test_what_version_01_made_stays(folder):
    line = folder.make("one", {"corpus": 1})
    for artifact in line.values():
        folder.age(artifact)
    newer = folder.make("one", {"corpus": 2})
    assert folder.prune({"one"}) == []
    assert is_there(line) and is_there(newer)


def test_an_unfinished_training_keeps_all_that_it_needs(folder):
    line = folder.make("one", {"corpus": 1}, stop="run")
    folder.make("one", {"corpus": 2})
    assert folder.prune({"one"}) == []
    assert is_there(line)
    assert len(list(folder.root.glob("run/.*.partial"))) == 1


def test_what_a_killed_process_left_goes_and_an_unfinished_training_does_not(folder):
    line = folder.make("one", {})
    (folder.root / "corpus/.0123456789abcdef.partial").mkdir()
    (folder.root / "raw/.0123456789abcdef.taken").mkdir()
    (folder.root / "run/.0123456789abcdef.partial").mkdir()  # as version 0.1 left it
    (folder.root / "run/.fedcba9876543210.removed").mkdir()
    assert sorted(folder.prune({"one"})) == [
        "corpus/.0123456789abcdef.partial",
        "raw/.0123456789abcdef.taken",
        "run/.fedcba9876543210.removed",
    ]
    assert is_there(line)


def test_of_a_configuration_that_is_gone_the_model_stays(folder):
    line = folder.make("one", {})
    folder.prune(set())
    assert {name for name in line if line[name].path.exists()} == {"tokens", "run"}


@pytest.mark.parametrize("seed", range(12))
def test_pruning_never_removes_what_is_needed(seed, folder):
    """Lines of several configurations, in any order, that share some of their stages."""
    draw = random.Random(seed)
    newest: dict[str, dict[str, Artifact]] = {}
    never: list[Artifact] = []  # may never be removed unasked
    for _ in range(14):
        name = draw.choice(["one", "two", "elsewhere", "gone"])
        settings = {kind: draw.randrange(2) for kind in draw.sample(list(NEEDS), 2)}
        origin = ELSEWHERE if name == "elsewhere" else draw.choice([PLAIN, PLAIN, CHANGED])
        stop = draw.choice(["", "", "", "run", "evaluation"])
        line = folder.make(name, settings, origin, stop)
        if origin is PLAIN:
            newest[name] = {**newest.get(name, {}), **line}
        else:
            ours = [kind for kind in line if line[kind].made]
            never += [line[kind] for one in ours for kind in (one, *NEEDS[one])]
        if stop == "run" and "run" not in line:
            never += line.values()
        never += [line["run"], line["tokens"]] if "run" in line else []
    best = draw.choice([artifact for artifact in never if artifact.kind == "run"])
    folder.prune({"one", "two"}, {f"run/{best.digest}": "the best of a sweep"})

    left = Inventory(folder.root, {"one", "two"})
    contents = {(entry.kind, entry.about.get("content")) for entry in left.entries}
    for name in ("one", "two"):
        assert is_there(newest.get(name, {})), name
    for artifact in never:
        assert (artifact.kind, artifact.content) in contents
    for entry in left.entries:
        if entry.kind not in ("run", "tokens"):  # of an old model, only those stay
            assert {source.kind for source in left.made_from(entry)} == {*NEEDS[entry.kind]}


# by name


def test_a_model_goes_only_when_it_is_named(folder):
    line = folder.make("one", {})
    other = folder.make("one", {"run": 1})
    list(prune(inventory(folder.root), [f"run/{line['run'].digest[:10]}"], yes=True))
    assert not line["run"].path.exists() and is_there(other)


def test_a_name_that_is_none_or_not_unique_is_refused(folder):
    folder.make("one", {})
    folder.make("one", {"run": 1})
    for name, problem in (("run/xyz", "is not an artifact"), ("run/", "is not unique")):
        with pytest.raises(UserError, match=problem):
            list(prune(inventory(folder.root), [name], yes=True))


def test_what_is_being_made_is_not_removed(folder):
    folder.make("one", {})
    hold = (
        "import sys, time; from filelock import FileLock\n"
        "lock = FileLock(sys.argv[1]); lock.acquire(); print('held', flush=True); time.sleep(60)"
    )
    partial = folder.root / "corpus/.0123456789abcdef.partial"
    partial.mkdir()
    lock = folder.root / ".locks/corpus-0123456789abcdef"
    command = [sys.executable, "-c", hold, str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout.readline() == "held\n"
            assert folder.prune({"one"}) == []
            with pytest.raises(UserError, match="stop that first"):
                list(prune(inventory(folder.root), [f"corpus/{partial.name}"], yes=True))
        finally:
            child.kill()
    assert folder.prune({"one"}) == [f"corpus/{partial.name}"]


def test_a_dry_run_and_a_missing_answer_remove_nothing(folder, capsys, monkeypatch):
    folder.make("sample", {"corpus": 1})
    folder.make("sample", {"corpus": 2})
    before = [entry.name for entry in entries(folder.root)]
    data = ["--data", str(folder.root)]
    assert main(["artifacts", "prune", "--dry-run", *data]) == 0
    assert "nothing was removed (--dry-run)" in capsys.readouterr().out
    assert main(["artifacts", "prune", *data]) == 1
    assert "give --yes" in capsys.readouterr().err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert main(["artifacts", "prune", *data]) == 0
    assert [entry.name for entry in entries(folder.root)] == before
    monkeypatch.setattr("builtins.input", lambda question: "y")
    assert main(["artifacts", "prune", *data]) == 0
    assert "removed: 3 artifacts" in capsys.readouterr().out


# lists


def test_the_list_says_what_each_was_made_from_and_what_uses_it(folder, capsys):
    line = folder.make("sample", {})
    table = listing(inventory(folder.root)).split("\n")
    (corpus,) = [row for row in table if row.startswith("corpus/")]
    assert line["corpus"].digest in corpus and "just now" in corpus
    assert "  sample" in corpus and "  raw  " in corpus
    assert f"tokenizer/{line['tokenizer'].digest[:6]}" in corpus
    assert main(["artifacts", "--json", "--data", str(folder.root)]) == 0
    records = {record["kind"]: record for record in json.loads(capsys.readouterr().out)}
    inputs = [line[name].path for name in ("corpus", "tokenizer")]
    assert records["tokens"]["made_from"] == [f"{path.parent.name}/{path.name}" for path in inputs]
    assert "sample" in records["run"]["used_by"]


def test_an_empty_folder_is_told(tmp_path, capsys):
    for command in ("artifacts", "runs"):
        assert main([command, "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("make pipeline") == 2
