"""Which edits of the code count: those that change what a stage makes, and no others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from femtogpt.artifacts import code_digest
from femtogpt.artifacts.code_digest import CodeTree, closure, code_of, parse
from femtogpt.corpus import rules
from femtogpt.source_kinds import SOURCE_KINDS

ROOT = Path(__file__).resolve().parent.parent
BUILD = "femtogpt.corpus.build"
STAGES = [
    *("femtogpt.sources.fetch", BUILD, "femtogpt.tokens.tokenizer", "femtogpt.tokens.shards"),
    *("femtogpt.evaluation.evaluate", "femtogpt.generation.samples"),
    *("femtogpt.evaluation.ngram_baseline", "femtogpt.evaluation.ppmd_baseline"),
    *("femtogpt.memorisation.index_stage", "femtogpt.memorisation.memory_stage"),
    "femtogpt.report.run_report",
]


def digest(source: str) -> str:
    return parse(source.encode(), "femtogpt.some")[0]


CODE = '''
"""Some module."""
from femtogpt.errors import UserError
LIMIT = 3
def cut(text, most=LIMIT):
    """Cut a text."""
    return f"{text[:most]!r:>{most}} {{}}" "…"
class Setting:
    """One."""
    name: str = Field("x", ge=1, description="its name")
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Some module."""', '"""A module."""'),
        ('"""Cut a text."""', '"""Cut a text to ``most`` characters."""'),
        ('    """Cut a text."""\n', ""),
        ('"""One."""', '"""Two."""'),
        ("LIMIT = 3", "LIMIT  =  3  # characters"),
        ("LIMIT = 3", "LIMIT = 0x3"),
        ('"x", ge=1, description="its name"', "'x', ge=1, description='a name'"),
        (", most=LIMIT", ",\n    most=LIMIT,\n"),
    ],
)
def test_what_only_people_read_does_not_count(old, new):
    assert old in CODE
    assert digest(CODE.replace(old, new)) == digest(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("LIMIT = 3", "LIMIT = 3.0"),
        ("LIMIT = 3", "LIMIT = '3'"),
        (":most]", "most:]"),
        ("!r", "!s"),
        ("…", "..."),
        ('"x", ge=1', '"x", ge=2'),
        ("femtogpt.errors", "femtogpt.error"),
        ("def cut", "async def cut"),
    ],
)
def test_what_is_done_counts(old, new):
    assert old in CODE
    assert digest(CODE.replace(old, new)) != digest(CODE)


INTERPRETERS = [
    found
    for name in ("3.12", "3.13")
    for found in [
        shutil.which(f"python{name}"),
        *map(str, Path.home().glob(f".pyenv/versions/{name}*/bin/python")),
    ]
    if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0
]


@pytest.mark.skipif(not INTERPRETERS, reason="there is no Python 3.12 or 3.13 on this machine")
def test_every_python_gives_the_same_digests():
    folders = [ROOT / name for name in ("femtogpt", "flows", "tasks")]
    files = [str(path) for folder in folders for path in sorted(folder.rglob("*.py"))]
    code = (
        "import json, sys\n"
        "from femtogpt.artifacts.code_digest import parse\n"
        "print(json.dumps([parse(open(f, 'rb').read(), 'femtogpt.x') for f in sys.argv[1:]]))"
    )
    outputs = {
        interpreter: subprocess.run(
            [interpreter, "-c", code, *files], cwd=ROOT, capture_output=True, check=True
        ).stdout
        for interpreter in (sys.executable, *INTERPRETERS)
    }
    digests = {interpreter: json.loads(output) for interpreter, output in outputs.items()}
    for interpreter in INTERPRETERS:
        for file, ours, theirs in zip(
            files, digests[sys.executable], digests[interpreter], strict=True
        ):
            assert theirs == ours, (interpreter, file)


# what a stage consists of


def test_a_corpus_depends_on_every_rule_and_on_nothing_that_comes_after_it():
    code = code_of(BUILD)
    assert {rule.apply.__module__ for rule in rules.RULES.values()} <= set(code)
    rooms = {name.split(".")[1] for name in code}
    assert rooms == {"corpus", "parallel", "sources"}


@pytest.mark.parametrize("kind", sorted(entry_points(group=SOURCE_KINDS).names))
def test_a_corpus_depends_on_the_classes_of_its_sources(kind, imported_with):
    (point,) = entry_points(group=SOURCE_KINDS, name=kind)
    code = code_of(BUILD, point.load().__module__)
    assert {base.__module__ for base in point.load().__mro__ if "sources" in base.__module__} <= {
        *code
    }
    assert imported_with[point.load().__module__] <= set(code)


# For each, none of the product's modules is loaded before; those of others are, to save time.
IMPORT_EACH = """
import importlib, sys
for module in sys.argv[1:]:
    for name in [name for name in sys.modules if name.partition(".")[0] == "femtogpt"]:
        del sys.modules[name]
    importlib.import_module(module)
    print(module, *sys.modules)
"""


@pytest.fixture(scope="module")
def imported_with() -> dict[str, set[str]]:
    """The modules of the product that Python loads with each one, without those left out."""
    kinds = [point.load().__module__ for point in entry_points(group=SOURCE_KINDS)]
    command = [sys.executable, "-c", IMPORT_EACH, *{*kinds, *STAGES}]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    apart = (
        *("artifacts", "config", "config_file", "config_origin", "source_kinds"),
        *("quality_config", "section", "train_config"),
        *("errors", "progress", "scaling", "storage"),
    )
    loaded = {}
    for line in done.stdout.splitlines():
        module, *names = line.split()
        own = {name for name in names if name.startswith("femtogpt.")}
        assert module in own
        loaded[module] = {name for name in own if name.split(".")[1] not in apart}
    return loaded


@pytest.mark.parametrize("stage", STAGES)
def test_all_that_python_imports_for_a_stage_is_part_of_it(stage, imported_with):
    assert imported_with[stage] <= set(code_of(stage))


def test_what_is_only_read_is_no_part_of_any_stage():
    code = code_of(*STAGES)
    assert not {"femtogpt.errors", "femtogpt.progress", "femtogpt.config", "femtogpt"} & set(code)
    assert not [name for name in code if name.startswith("femtogpt.artifacts")]


def test_a_source_of_another_package_counts_with_what_it_imports_of_its_own(tmp_path):
    own = tmp_path / "theirs"
    (own / "deep").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "kind.py": "def read():\n    from .deep import tables as t\n    import theirs.names, json",
        "deep/__init__.py": "from ..names import NAMES",
        "deep/tables.py": "import typing\nif typing.TYPE_CHECKING:\n    import theirs.x",
        "names.py": "NAMES = 1",
        "x.py": "X = 1",
        "unused.py": "Y = 1",
    }
    for name, text in files.items():
        (own / name).write_text(text)
    code = closure(["theirs.kind"], {"theirs": CodeTree("theirs", own)})
    assert list(code) == [
        *("theirs", "theirs.deep", "theirs.deep.tables", "theirs.kind", "theirs.names"),
    ]


# what it costs


def code_in(folder: Path) -> dict[str, str]:
    """The corpus stage's code in a folder with a copy of the product."""
    return closure([BUILD], {"femtogpt": CodeTree("femtogpt", folder)})


@pytest.fixture
def copied(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    folder = tmp_path / "femtogpt"
    shutil.copytree(ROOT / "femtogpt", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in folder.rglob("*.py"):  # as old as code is that is not being edited
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return folder


def test_code_whose_files_are_unchanged_is_not_parsed_again(copied, monkeypatch):
    first = code_in(copied)
    assert first == code_of(BUILD)
    parsed: list[object] = []
    monkeypatch.setattr(code_digest, "parse", lambda *source: parsed.append(source))
    assert code_in(copied) == first
    assert not parsed


def test_an_edited_file_is_seen_though_its_digest_was_kept(copied):
    before = code_in(copied)
    path = copied / "corpus/split.py"
    path.write_text(path.read_text("utf-8") + "\nNEW = 1\n", "utf-8")
    after = code_in(copied)
    assert {name for name in after if after[name] != before[name]} == {"femtogpt.corpus.split"}
    path.write_text(path.read_text("utf-8").replace("NEW = 1", "NEW = 2"), "utf-8")  # at once
    assert code_in(copied) != after


@pytest.mark.parametrize("harm", [b"", b"{", b'{"format": 1}', b'{"format": 1, "modules": 3}'])
def test_a_damaged_record_of_digests_costs_only_time(harm, copied):
    code = code_in(copied)
    (record,) = (copied / "__pycache__").iterdir()
    record.write_bytes(harm)
    assert code_in(copied) == code
