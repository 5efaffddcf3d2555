"""The page about a run: it holds all there is, stays small, and nothing in a text breaks it."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from femtogpt.artifacts.disk import file_digest
from femtogpt.cli import main
from femtogpt.evaluation.document_scores import DOCUMENTS_FILE, NAME
from femtogpt.evaluation.intervals import figure
from femtogpt.report.quality_parts import quality_levels
from femtogpt.report.quality_section import ROWS
from femtogpt.report.run_facts import RunFacts, facts_of
from femtogpt.report.run_page import SECTIONS, run_page
from tests.made_run import CARD, MACHINE, MadeRun, course

MEGABYTE = 1_000_000
HOSTILE = (
    "</script><script>alert(1)</script><!-- ]]> \" ' & <b onclick=x> \u200b\u202e\x00\ud83d"
    + "ж" * 5000
)
STRETCH = {
    "start": 1,
    "end": 60,
    "work": {"source": "books", "id": "1", "author": "Чехов", "title": "Степь"},
    "place": 7,
    "text": "слово " * 10,
}
NEARLY = {**STRETCH, "end": 90, "place_end": 99, "changes": 2, "text_there": "слова " * 10}
FOUND = {"characters": 100, "known": 59, "share": 0.59, "longest": STRETCH, "nearly": NEARLY}
MEMORY = {
    "samples": [FOUND],
    "held_out": {"works": 3, "same_authors": True, "passages": [{**FOUND, "known": 0}]},
}
VOID = {"meta", "br"}


class Page(HTMLParser):
    """A page as a browser reads it: its elements closed in order, its texts, scripts and links."""

    def __init__(self, content: str):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.feed(content)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


def page_of(facts: RunFacts, language: str = "ru") -> Page:
    content = run_page(facts, language)
    assert len(content.encode()) < MEGABYTE
    assert "http" not in content.replace("http-equiv", "")
    page = Page(content)
    assert len(page.ids) == len(set(page.ids))
    for name, value in page.attributes:
        assert name not in ("src", "onclick") and (name != "href" or value.startswith("#"))
    return page


def test_the_page_has_every_section_in_both_languages(tmp_path):
    facts = MadeRun(memory=MEMORY).facts(tmp_path)
    russian, english = page_of(facts), page_of(facts, "en")
    assert {*SECTIONS} <= {*russian.ids} and {*SECTIONS} <= {*english.ids}
    for word in ("Качество", "2,000 бита", "5,26 млн", "50 шагов", "n\u2011граммы, порядок 4"):
        assert word in russian.text.replace("\u00a0", " "), word
    for word in ("Quality", "2.000 bits", "5.26 M", "50 steps", "n-gram, order 4"):
        assert word in english.text.replace("\u00a0", " "), word
    overview = english.text.partition("Quality")[0]
    assert not re.search("[а-яё]", overview.replace("классика", ""))


def test_nothing_in_a_text_breaks_the_page(tmp_path):
    longest = {**STRETCH, "text": HOSTILE, "work": {**STRETCH["work"], "title": HOSTILE}}
    samples = [{"prompt": HOSTILE, "text": HOSTILE}]
    made = MadeRun(
        name=HOSTILE,
        lines=course(20, samples=[HOSTILE, ""]),
        samples=samples,
        works=[f"{HOSTILE}{n}" for n in range(6)],
        memory={**MEMORY, "samples": [{**FOUND, "longest": longest}]},
        machines=[{**MACHINE, "processor": HOSTILE, "card": {**CARD, "name": HOSTILE}}],
        settings={"init_from": HOSTILE, "teacher": [HOSTILE, HOSTILE]},
    )
    page = page_of(surrogates_replaced(made).facts(tmp_path))
    curves, script = page.scripts
    assert json.loads(curves)["charts"] and "<" not in curves
    assert "alert" not in script + curves
    assert page.text.count("</script><script>alert(1)</script>") >= 8, "shown as it is"
    assert not {"\x00", "\u202e"} & {*page.text}


def surrogates_replaced(made: MadeRun) -> MadeRun:
    """What no file name and no Parquet can hold stays in JSON alone."""
    made.name = made.name.replace("\ud83d", "")
    made.works = [work.replace("\ud83d", "") for work in made.works]
    return made


@pytest.mark.parametrize("steps", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_however_much_there_is_the_page_stays_below_a_megabyte(tmp_path, steps):
    wide = '&<"' * 400
    made = MadeRun(
        lines=course(steps, samples=[wide * 10] * 300),
        samples=[{"prompt": wide, "text": wide * 40} for _ in range(200)],
        works=[f"{n} {wide}" for n in range(5000)],
        memory={**MEMORY, "samples": [{**FOUND, "longest": {**STRETCH, "text": wide}}] * 200},
        files=[f"{n}/{'&' * 150}.txt" for n in range(200)],
        settings={f"setting_{n}": wide for n in range(60)},
    )
    text = page_of(made.facts(tmp_path)).text
    for told in ("120 из 5000", "9 из 300", "10 из 200", "60 из 200", "ещё"):
        assert told in text.replace("\u00a0", " "), told


@pytest.mark.parametrize(
    "made",
    [
        MadeRun(baselines=(), machines=()),
        MadeRun(lines=course(1)),
        MadeRun(lines=course(50)[:1]),
        MadeRun(lines=[]),
        MadeRun(works=(), samples=None),
        MadeRun(scored=False, given=None),
        MadeRun(machines=[MACHINE, {**MACHINE, "step": 30, "card": CARD}]),
        MadeRun(samples=[], works=["Одно"]),
    ],
    ids=[
        *("no baselines", "one step", "one evaluation", "no metrics", "not evaluated"),
        *("an older version", "two machines", "one work"),
    ],
)
def test_what_is_missing_is_left_out(tmp_path, made):
    facts = made.facts(tmp_path)
    for language in ("ru", "en"):
        page = page_of(facts, language)
        assert ("quality" in page.ids) == bool(made.works)
        assert ("curves" in page.ids) == bool(made.lines)
        assert "memory" not in page.ids
        assert "nan" not in page.text.lower().replace("финанс", "")


def test_losses_that_are_not_finite_are_counted_and_not_drawn(tmp_path):
    lines = course(30)
    for line in lines:
        if line["step"] == 7 and "train_loss" in line:
            del line["train_loss"]  # as a training writes it
        if line["step"] == 8 and "train_loss" in line:
            line["train_loss"] = math.nan
    made = MadeRun(lines=lines).facts(tmp_path)
    page = page_of(made, "en")
    (raw, *_) = json.loads(page.scripts[0])["charts"][0]["curves"]
    assert {7, 8} & {*raw["x"]} == set() and len(raw["x"]) == 28
    assert "not finite for 2 steps" in page.text.replace("\u00a0", " ")


def test_a_step_that_was_trained_again_is_drawn_once_with_its_last_value(tmp_path):
    lines = course(20)
    again = [{**line, "train_loss": 1.5} for line in lines[-8:] if "train_loss" in line]
    page = page_of(MadeRun(lines=[*lines, *again]).facts(tmp_path))
    (raw, *_) = json.loads(page.scripts[0])["charts"][0]["curves"]
    assert raw["x"] == [*range(1, 21)]
    assert raw["y"][-1] == 1.5


def test_a_run_that_stands_alone_has_its_curves_and_settings(tmp_path):
    facts = MadeRun().facts(tmp_path / "data")
    alone = tmp_path / "alone"
    alone.mkdir()
    for name in ("metrics.jsonl", "settings.json"):
        (alone / name).write_bytes((facts.run / name).read_bytes())
    page = page_of(facts_of(alone))
    assert {"curves", "settings"} <= {*page.ids}
    assert not {"corpus", "quality", "memory", "tokenizer"} & {*page.ids}


def test_the_lineage_leads_to_the_files_and_their_digests(tmp_path):
    facts = MadeRun(files=["Чехов/Степь.txt", "b.txt"]).facts(tmp_path)
    text = page_of(facts).text
    for file in (tmp_path / "raw").rglob("*.txt"):
        assert file.name in text and file_digest(file) in text
    assert file_digest(facts.run / "model.safetensors") in text
    for kind in ("corpus", "tokenizer", "tokens", "run", "evaluation"):
        assert f"{kind}/{facts.artifacts[kind].digest}" in text


def test_settings_are_told_by_where_they_come_from(tmp_path):
    page = page_of(MadeRun().facts(tmp_path), "en")
    text = page.text
    given, derived, rest = (text.index(word) for word in ("Given", "Derived", "The others"))
    assert given < text.index("train.max_steps50the command line") < derived
    assert given < text.index("model.width256the configuration") < derived
    assert derived < text.index("train.weight_decay0.25epochs, steps and learning rate") < rest
    assert rest < text.index("model.context256")


def test_what_a_sample_has_from_the_training_text_is_marked_and_named(tmp_path):
    samples = [{"prompt": "", "text": "И" + "слово " * 10 + "конец"}]
    content = run_page(MadeRun(samples=samples, memory=MEMORY).facts(tmp_path), "ru")
    assert f"<mark>{('слово ' * 10)[:59]}</mark>" in content
    text = Page(content).text.replace("\u00a0", " ")
    for told in ("59,0 %", "0,0 %", "89 символов", "Чехов. Степь", "тех же авторов"):
        assert told in text, told


def test_each_part_has_its_interval_and_stands_beside_the_baselines(tmp_path):
    made = MadeRun(works=[f"Работа {n}" for n in range(9)])
    facts = made.facts(tmp_path)
    documents = pl.read_parquet(facts.artifacts["evaluation"].path / DOCUMENTS_FILE)
    bits = documents.select(*NAME, bits=3.0 * pl.col("characters"))
    bits.write_parquet(facts.artifacts["ngram"].path / DOCUMENTS_FILE)
    whole = figure(documents)
    assert whole.half_width
    by_author = {
        level.level: {part.name: part for part in level.parts}
        for level in quality_levels(facts, ROWS)
    }["author"]
    assert by_author["Чехов"].half_width is None, "three works are too few"
    assert by_author["Чехов"].baselines == {"ngram": 3.0}
    text = "".join(page_of(facts, "en").text.split())
    assert f"Allheld-outtext{whole}2.2002.2009936".replace(" ", "") in text
    assert f"onthesametexts:−{3 - whole.bits_per_character:.3f}±{whole.half_width:.3f}" in text
    assert text.index("Чехов.Работа6") < text.index("Лермонтов.Работа5") < text.index("Работа0")
    assert text.index("Byauthor") < text.index("Bywork")


def test_the_command_writes_the_page_in_either_language(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    MadeRun().facts(tmp_path / "data")
    assert main(["report"]) == 0
    assert main(["report", "--run", "классика", "--language", "en"]) == 0
    assert main(["report", "--run", "best", "--to", "x.html", "--data", "data"]) == 0
    assert 'lang="ru"' in Path("report.html").read_text("utf-8")
    assert 'lang="en"' in Path("report.en.html").read_text("utf-8")
    assert Path("x.html").read_bytes()[:2000] == Path("report.html").read_bytes()[:2000]
    assert capsys.readouterr().out.splitlines()[0] == "written: report.html"


def test_a_page_that_cannot_be_written_is_one_line(tmp_path, capsys):
    MadeRun().facts(tmp_path / "data")
    missing = tmp_path / "no" / "x.html"
    assert main(["report", "--data", str(tmp_path / "data"), "--to", str(missing)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "No such file" in line and "--to" in line
    assert main(["report", "--data", str(tmp_path / "data"), "--run", "nothing"]) == 1
    assert "nothing" in capsys.readouterr().err
