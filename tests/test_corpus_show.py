"""`femtogpt corpus show|diff|report|prove`: what a person sees of a corpus."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.cli import main
from femtogpt.corpus.cleaning_diff import changes
from femtogpt.sources.base import Document
from femtogpt.sources.texts import Files
from tests.files import as_folder
from tests.helpers import PROSE, VERSE, Listed, config, corpus_of, story

DIRTY = PROSE.replace("Старый", "Ста\u00adрый").replace("мельник вышел", "мельник  вышел")
LATIN = "The old miller came out of his house and looked at the sky for a long time. " * 4


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A data folder with the corpus of a folder of texts."""
    folder = tmp_path_factory.mktemp("show")
    files = {f"Толстой/рассказ {number}.txt": story(number, 150) for number in range(12)}
    files |= {"Чехов/Мельник.txt": DIRTY + VERSE, "Чехов/Miller.txt": LATIN}
    source = Files(path=as_folder(folder / "texts", files), rules=("invisible", "spaces", "dashes"))
    corpus_of(Store(folder / "data"), config({"books": source}))
    return folder / "data"


@pytest.fixture
def femtogpt(data, capsys):
    """Runs the command on that folder; gives its status and what it wrote."""

    def run(*arguments: str) -> tuple[int, str]:
        status = main([*arguments, "--data", str(data)])
        out = capsys.readouterr()
        return status, out.out + out.err

    return run


def test_random_documents_are_shown_with_name_split_and_length(femtogpt):
    status, shown = femtogpt("corpus", "show", "--count", "5")
    assert status == 0
    headings = [line for line in shown.splitlines() if line.startswith("── ")]
    assert len(headings) == 5
    assert all("books/" in line and "characters" in line for line in headings)
    assert all("· train ·" in line or "· held_out ·" in line for line in headings)


def test_the_same_seed_shows_the_same_documents(femtogpt):
    shown = {femtogpt("corpus", "show", "--seed", str(seed))[1] for seed in (1, 1, 2, 3)}
    assert 1 < len(shown) <= 3


def test_a_document_is_found_by_a_part_of_its_name_and_shown_whole(femtogpt):
    _, shown = femtogpt("corpus", "show", "мельник", "--characters", "0")
    assert "books/Чехов/Мельник" in shown
    assert "«Мельник», Чехов" in shown
    assert shown.count("Старый мельник вышел на крыльцо") == 1
    _, cut = femtogpt("corpus", "show", "мельник", "--characters", "100")
    assert "more characters]" in cut
    assert len(cut) < len(shown)


def test_a_document_is_found_by_its_title_where_no_name_fits(tmp_path, capsys):
    items = [Document(str(number), story(number, 150)) for number in range(11)]
    items.append(Document("11", story(11, 150), title="Литва"))
    corpus_of(Store(tmp_path), config({"wiki": Listed(items=tuple(items))}))
    assert main(["corpus", "show", "литва", "--data", str(tmp_path)]) == 0
    assert "── wiki/11 ·" in capsys.readouterr().out


def test_nothing_in_a_name_or_a_text_can_steer_the_terminal(tmp_path, capsys):
    items = [Document(str(number), story(number, 150)) for number in range(11)]
    items.append(Document("а\n\x1b[31mб", "\x1b]0;\x07 Нет.", fault="\x1b[2J why"))
    corpus_of(Store(tmp_path), config({"names": Listed(items=tuple(items))}))
    assert main(["corpus", "show", "а\n", "--data", str(tmp_path)]) == 0
    heading, text = capsys.readouterr().out.split("\n", 1)
    assert "names/а [31mб · rejected" in heading
    assert "Нет." in text
    assert not {"\x1b", "\x07"} & set(heading + text)


def test_rejected_documents_are_shown_with_rule_and_figure(femtogpt):
    _, shown = femtogpt("corpus", "show", "--rejected")
    assert "books/Чехов/Miller · rejected" in shown
    assert "min_cyrillic" in shown
    assert "The old miller" in shown


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["show", "Мелник"], "did you mean 'books/Чехов/Мельник'"),
        (["show", "--source", "boks"], "there are: books"),
        (["diff", "--rule", "spases"], "did you mean 'spaces'"),
        (["diff", "--rule", "dashes", "--source", "boks"], "changed no document"),
        (["show", "--from", "classics"], "make pipeline CONF=classics"),
        (["show", "--from", "/nowhere.yaml"], "no such file"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments, named, femtogpt):
    status, output = femtogpt("corpus", *arguments)
    assert status == 1
    assert output.startswith("error: ")
    assert named in output
    assert output.count("\n") == 1


def test_no_corpus_yet_is_told_with_what_makes_one(tmp_path, capsys):
    assert main(["corpus", "show", "--data", str(tmp_path)]) == 1
    assert "make pipeline" in capsys.readouterr().err


def test_a_diff_shows_what_cleaning_changed_and_nothing_else(femtogpt):
    _, shown = femtogpt("corpus", "diff", "Мельник")
    changed = [line for line in shown.splitlines() if line.startswith("  …")]
    assert any("[-Ста‹U+00AD›рый-]{+Старый+}" in line for line in changed)
    assert any("мельник[-  -]{+ +}вышел" in line for line in changed)
    assert len(changed) == 2


def test_the_diff_of_a_rule_shows_that_rule_alone(femtogpt):
    _, shown = femtogpt("corpus", "diff", "--rule", "spaces")
    assert "мельник[-  -]{+ +}вышел" in shown
    assert "U+00AD" not in shown


def test_a_diff_as_a_page_marks_what_went_and_what_came(femtogpt, tmp_path):
    page = tmp_path / "diff.html"
    assert femtogpt("corpus", "diff", "Мельник", "--html", str(page))[0] == 0
    text = page.read_text(encoding="utf-8")
    assert "<del>Ста‹U+00AD›рый</del>" in text
    assert "<ins>Старый</ins>" in text


def test_a_diff_without_the_originals_says_what_to_do(data, tmp_path, capsys):
    shutil.copytree(data, tmp_path / "data")
    shutil.rmtree(tmp_path / "data/raw")
    assert main(["corpus", "diff", "--data", str(tmp_path / "data")]) == 1
    assert "run make pipeline again" in capsys.readouterr().err


def test_the_report_counts_what_was_read_kept_changed_and_rejected(femtogpt):
    _, shown = femtogpt("corpus", "report")
    sources = next(line for line in shown.splitlines() if line.strip().startswith("books "))
    assert sources.split()[1:4] == ["14", "13", "1"]
    rules = {line.split()[0]: line.split()[1] for line in shown.splitlines() if " Remove " in line}
    assert rules["invisible"] == "1"
    assert "min_cyrillic" in shown
    assert "Proved: " in shown


def test_the_report_as_a_page_has_the_plots_the_rules_and_what_was_rejected(femtogpt, tmp_path):
    page = tmp_path / "report.html"
    femtogpt("corpus", "report", "--html", str(page))
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") >= 4
    assert "The old miller" in text
    assert "мельник  вышел" in text  # an example of a rule
    assert "<script" not in text
    assert "<link" not in text


def test_the_proof_is_made_again_and_a_leak_is_found(data, tmp_path, capsys):
    assert main(["corpus", "prove", "--data", str(data)]) == 0
    assert capsys.readouterr().out.startswith("Proved")
    shutil.copytree(data, tmp_path / "data")
    (path,) = (tmp_path / "data/corpus").glob("[!.]*")
    files = path / "documents/source=books"
    held = next(files.glob("split=held_out/*.parquet"))
    shutil.copyfile(held, files / "split=train/00099.parquet")
    assert main(["corpus", "prove", "--data", str(tmp_path / "data")]) == 1
    assert "NOT PROVED" in capsys.readouterr().err


def test_changes_put_together_give_both_texts():
    before = "раз два  три\nчетыре\nпять шесть"
    after = "раз два три\nпять семь шесть"
    found = list(changes(before, after))
    assert [(change.old, change.new) for change in found if change.old.strip("\n ")] != []
    assert "".join(change.new for change in found).count("семь") == 1


def test_a_line_that_went_can_be_seen_even_where_it_was_empty():
    (change,) = changes("Раз.\n\n\nДва.", "Раз.\n\nДва.")
    assert (change.old, change.new) == ("\n", "")


def test_the_counts_of_the_report_are_those_of_the_artifact(data):
    (path,) = (data / "corpus").glob("[!.]*")
    counts = Artifact.load(path).counts
    report = json.loads((path / "report.json").read_text(encoding="utf-8"))["books"]
    assert counts["documents_read"] == report["documents"] == 14
    assert counts["documents_rejected"] == sum(report["rejected"].values()) == 1
