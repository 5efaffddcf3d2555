"""The examples in docs/new-source.md work, and docs/cleaning.md is complete."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from femtogpt.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/new-source.md").read_text(encoding="utf-8")
RUN = """
import sys
from pathlib import Path
from femtogpt.artifacts.store import Store
from femtogpt.config_file import load_config
from femtogpt.corpus.build import build_corpus
from femtogpt.corpus.schema import SPLITS, parts
from femtogpt.sources.fetch import fetch
import polars as pl

config = load_config("chats.yaml", sys.argv[1:])
store = Store("data")
raws = {name: fetch(store, name, source) for name, source in config.sources.items()}
corpus = build_corpus(store, config, raws)
for split in SPLITS:
    for _, file in parts(corpus, split):
        for row in pl.read_parquet(file).iter_rows(named=True):
            print(row["id"], row["year"], row["text"], sep="|")
for file in corpus.path.glob("rejected/*/*.parquet"):
    for row in pl.read_parquet(file).iter_rows(named=True):
        print(row["id"], row["rule"], row["figure"], sep="|")
"""


def block(language: str) -> str:
    """The only code block of a language on the page."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return code


def message(day: int, writer: str, text) -> dict:
    return {"type": "message", "date": f"2024-05-{day:02d}T12:00:00", "from": writer, "text": text}


@pytest.fixture
def package(tmp_path) -> Path:
    """The example's package, with the page's entry point, and two exports."""
    (tmp_path / "telegram.py").write_text(block("python"), encoding="utf-8")
    info = tmp_path / "telegram-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: telegram\nVersion: 1.0\n")
    entry = block("toml").replace("project.entry-points.", "").replace('"', "")
    (info / "entry_points.txt").write_text(entry)
    first = "Сегодня утром мы наконец дошли до озера, и вода в нём была холодная, как в колодце."
    link = [{"type": "link", "text": "карту"}, " я пришлю вечером, когда вернусь домой с работы."]
    chat = {
        "name": "Поход",
        "messages": [
            message(1, "Оля", first),
            message(1, "Пётр", ["Дорогу я помню плохо, а ", *link]),
            {"type": "service", "date": "2024-05-01T13:00:00"},
            message(2, "Оля", "Второй день идёт дождь, и палатка промокла до последней нитки."),
        ],
    }
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports/result.json").write_text(json.dumps(chat), encoding="utf-8")
    (tmp_path / "exports/broken.json").write_text('{"name": "Поход", "messages": [')
    source = "\n  ".join(block("yaml").splitlines())
    (tmp_path / "chats.yaml").write_text(
        f"sources:\n chats:\n  {source}\ncorpus: {{min_characters: 20}}\n", encoding="utf-8"
    )
    return tmp_path


def run(package: Path, *overrides: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", RUN, *overrides],
        cwd=package,
        env={"PATH": "", "PYTHONPATH": f"{package}:{ROOT}", "FEMTOGPT_WORKERS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return sorted(done.stdout.splitlines())


def test_the_example_of_a_new_kind_makes_a_corpus(package):
    broken, first, second, peter = run(package)
    assert broken.startswith("broken.json|unreadable|this is no export of Telegram: JSONDecode")
    assert first.startswith("result.json/2024-05-01|2024|Сегодня утром мы наконец дошли")
    assert peter.startswith("Дорогу я помню плохо, а карту я пришлю вечером")
    assert second.startswith("result.json/2024-05-02|2024|Второй день идёт дождь")


def test_its_settings_are_read_and_checked(package):
    lines = run(package, "sources.chats.names=true")
    assert any("▸ Оля: Второй день" in line for line in lines)
    with pytest.raises(AssertionError, match="names"):
        run(package, "sources.chats.names=perhaps")


def test_the_example_is_as_short_as_it_says():
    assert len(block("python").splitlines()) < 40


def test_the_page_on_cleaning_lists_the_rules_and_filters_as_the_command_does(capsys):
    page = (ROOT / "docs/cleaning.md").read_text(encoding="utf-8")
    assert main(["corpus", "rules"]) == 0
    assert capsys.readouterr().out.strip() in page
