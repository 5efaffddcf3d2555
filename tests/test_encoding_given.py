"""Every text file is read and written in UTF-8, whatever the locale says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("femtogpt", "tasks", "flows", "benchmarks")
# Where the encoding stands if it is not named, and where the mode: the number of the argument.
CALLS = {
    "open": (3, 1),
    ".open": (2, 0),
    ".read_text": (0, None),
    ".write_text": (1, None),
    "fdopen": (3, 1),
    "TextIOWrapper": (1, None),
    "NamedTemporaryFile": (3, 0),
    "TemporaryFile": (3, 0),
}


def files() -> list[Path]:
    return sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))


def named(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        dotted = f".{call.func.attr}"
        return dotted if dotted in CALLS else call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def without_encoding(source: str) -> Iterator[int]:
    """The lines of calls that open a text file in the locale's encoding."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or (name := named(call)) not in CALLS:
            continue
        encoding, mode = CALLS[name]
        if len(call.args) > encoding or any(word.arg == "encoding" for word in call.keywords):
            continue
        if mode is not None:
            given = [word.value for word in call.keywords if word.arg == "mode"]
            given += call.args[mode : mode + 1]
            # An opener of ours or of an archive takes no mode, or a name as its first argument.
            modes = [value.value for value in given if isinstance(value, ast.Constant)]
            # Of a tar the mode is "r:".
            is_text = bool(modes) and str(modes[0])[:1] in "rwax" and not {*"b:|"} & {*modes[0]}
            if not (is_text if given else name == "open"):
                continue
        yield call.lineno


def test_the_encoding_of_every_text_file_is_given():
    lines = {file: [*without_encoding(file.read_text(encoding="utf-8"))] for file in files()}
    assert not {file: found for file, found in lines.items() if found}


@pytest.mark.parametrize(
    "line",
    [
        "path.read_text()",
        "path.write_text(text)",
        "path.open('w')",
        "path.open(mode='a')",
        "open(path)",
        "open(path, 'w')",
        "os.fdopen(number, 'w')",
        "tempfile.NamedTemporaryFile('w')",
        "io.TextIOWrapper(stream)",
    ],
)
def test_this_test_finds(line):
    assert [*without_encoding(line)] == [1]


@pytest.mark.parametrize(
    "line",
    [
        "path.read_text('utf-8')",
        "path.write_text(text, encoding='utf-8')",
        "path.open('rb')",
        "open(path, 'wb')",
        "member.open()",
        "archive.open(name)",
        "TemporaryFile()",
        "open(path, encoding='ascii')",
    ],
)
def test_this_test_leaves_alone(line):
    assert not [*without_encoding(line)]
