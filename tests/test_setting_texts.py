"""Settings whose texts or file names are unusual: half characters, spaces, bytes of no encoding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from femtogpt.config_file import load_config
from femtogpt.errors import UserError
from femtogpt.sweep.sweep_config import load_sweep

TEXTS = "sources: {stories: {kind: sample}}\n"


def load(folder: Path, text: str, *overrides: str, **changes):
    path = folder / "my.yaml"
    path.write_text(TEXTS + text, "utf-8")
    return load_config(str(path), overrides, changes=changes)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('samples: {prompts: ["\\ud800"]}', "samples.prompts"),
        ('samples: {prompts: [жил, "да \\udfff был"]}', "samples.prompts"),
        ('samples: {prompts: ["\\ude00\\ud83d"]}', "samples.prompts"),
        ('paths: {data: "/x/\\udcff"}', "paths.data"),
    ],
)
def test_half_a_character_is_named(tmp_path, text, field):
    with pytest.raises(UserError) as refused:
        load(tmp_path, text)
    line = str(refused.value)
    assert field in line and "half a character" in line and "\\ud" in line
    line.encode()  # it can be printed


@pytest.mark.parametrize("value", ["\ud800", "Жил \udcd0\udcff"])
def test_half_a_character_from_a_form_or_the_command_line_is_named(tmp_path, value):
    with pytest.raises(UserError, match=r"samples\.prompts"):
        load(tmp_path, "", samples={"prompts": [value]})
    with pytest.raises(UserError, match=r"samples\.prompts"):
        load(tmp_path, "", f'samples.prompts=["{value}"]')
    with pytest.raises(UserError, match="half a character"):
        load_config(value)


@pytest.mark.parametrize("text", ['"\\ud83d\\ude00"', '"\\U0001F600"', '"😀"'])
def test_a_character_written_as_two_halves_is_whole(tmp_path, text):
    assert load(tmp_path, f"samples: {{prompts: [{text}]}}").samples.prompts == ("😀",)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("мои книги", "мои-книги"),
        ("it's", "it-s"),
        ("a.b.c", "a-b-c"),
        ("50%?#", "50"),
        ("...", "unnamed"),
        ("my_own-1", "my_own-1"),
    ],
)
def test_a_configuration_is_named_after_its_file(tmp_path, file, name):
    path = tmp_path / f"{file}.yaml"
    path.write_text(TEXTS, "utf-8")
    assert load_config(str(path)).name == name
    (tmp_path / "sweeps").mkdir()
    sweep = tmp_path / "sweeps" / path.name
    sweep.write_text(f'config: "{path}"\nsettings: {{seed: [1, 2]}}', "utf-8")
    assert load_sweep(str(sweep), {}).name == name


def test_bytes_of_no_encoding_on_the_command_line_are_one_line(tmp_path):
    command = [
        sys.executable,
        "-m",
        "femtogpt.cli",
        "why",
        "--config",
        os.fsencode(tmp_path) + b"/\xff.yaml",
    ]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
