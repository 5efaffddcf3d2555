"""Wikipedia as a source: which pages are taken, in what order, under which ids."""

from __future__ import annotations

import bz2
import re
from pathlib import Path

import pytest

from femtogpt.artifacts.store import Store
from femtogpt.config import CorpusConfig
from femtogpt.errors import UserError
from femtogpt.sources.fetch import BYTES, fetch
from femtogpt.sources.wiki import Wiki
from femtogpt.sources.wiki import article as module
from femtogpt.sources.wiki.article import Choice, articles
from femtogpt.sources.wiki.site import Site
from tests.conftest import SHARED
from tests.helpers import config, corpus_of
from tests.wiki_pages import article, dump, page, read

LEFT = re.compile(
    r"\{\{|\}\}|\{\||\[\[|\]\]|^\||thumb\||мини\||міні\||style ?=|</?(?:ref|br|div|span)\b|\(\)"
    r"| [,;]|^[^\w\n]+$|^[*#:;]",
    re.MULTILINE,
)


def real(name: str) -> Path:
    path = SHARED / "wiki" / name
    if not path.is_file():
        pytest.skip(f"the real dump is not at hand ({path})")
    return path


def documents(path: Path, into: Path, **settings):
    source = Wiki(path=path, **settings)
    source.identity()
    source.fetch(into)
    return list(source.documents(into))


def test_an_article_has_its_id_title_address_and_licence(tmp_path: Path):
    (found,) = read({"a.xml": dump(page(7, "Великая река", "'''Река'''."))}, tmp_path)
    assert (found.id, found.title, found.text) == ("7", "Великая река", "Река.")
    assert found.url == "https://ru.wikipedia.org/wiki/Великая_река"
    assert found.licence == "CC BY-SA 4.0"
    assert (found.year, found.author, found.fault) == (None, None, None)


def test_only_articles_are_taken(tmp_path: Path):
    pages = [
        page(1, "Дом", "Дом."),
        page(2, "Изба", "#REDIRECT [[Дом]]", redirect="Дом"),
        page(3, "Хата", "#перенаправление [[Дом]]"),
        page(4, "Обсуждение:Дом", "Да.", ns=1),
        page(5, "Шаблон:Дом", "Да.", ns=10),
        page(6, "Категория:Дом", "Да.", ns=None),
        page(7, "Лук", "Лук: овощ; оружие.\n{{неоднозначность}}"),
        page(8, "Коса", "Коса.\n{{ Disambig }}"),
        page(9, "Ключ", "Ключ.\n[[Категория:Страницы значений по алфавиту]]"),
        page(10, "Замок (значения)", "Замок."),
        page(11, "Иванов", "Иванов.\n{{Список однофамильцев}}"),
        page(12, "Список рек", "Реки."),
        page(13, "Мыс: начало", "{{однофамильцы}}Мыс {{неоднозначность?}}.", ns=None),
    ]
    found = read({"a.xml": dump(*pages)}, tmp_path)
    assert [document.title for document in found] == ["Дом", "Мыс: начало"]


def test_lists_and_references_are_taken_where_wanted(tmp_path: Path):
    data = dump(page(1, "Список рек", "* [[Волга]]\n== Ссылки ==\n* [http://a.ru О реках]"))
    with pytest.raises(UserError, match="there is no"):
        read({"a.txt": data}, tmp_path / "none")
    assert read({"a.xml": data}, tmp_path / "no") == []
    (found,) = read({"a.xml": data}, tmp_path / "list", lists=True)
    assert found.text == "Волга"
    (found,) = read({"a.xml": data}, tmp_path / "all", lists=True, references=True)
    assert found.text == "Волга\n\nСсылки\n\nО реках"


def test_a_single_file_and_a_file_of_wikitext_are_read(tmp_path: Path):
    path = tmp_path / "Дом.wikitext"
    path.write_text("'''Дом''' {{х}}стоит.", encoding="utf-8")
    (tmp_path / "raw").mkdir()
    (found,) = documents(path, tmp_path / "raw")
    assert (found.id, found.title, found.text) == ("Дом", "Дом", "Дом стоит.")


def test_order_and_text_do_not_depend_on_the_number_of_processes(tmp_path: Path, monkeypatch):
    data = dump(*(article(number, 600) for number in range(200, 0, -1)))
    assert len(data) > 4 * (1 << 18)  # several batches
    monkeypatch.setenv("FEMTOGPT_WORKERS", "1")
    alone = read({"a.xml": data}, tmp_path / "alone")
    monkeypatch.setenv("FEMTOGPT_WORKERS", "2")
    assert read({"a.xml": data}, tmp_path / "spread") == alone
    assert [document.id for document in alone] == [str(number) for number in range(200, 0, -1)]


def test_ids_are_unique_over_the_parts_of_a_dump_and_over_wikis(tmp_path: Path):
    files = {
        "ruwiki-pages-articles1.xml-p1p2.bz2": bz2.compress(dump(article(1), article(2))),
        "ruwiki-pages-articles2.xml-p3p4.bz2": bz2.compress(dump(article(3), article(4))),
        "ukwiki.xml": dump(article(2), article(2), article(5)),
    }
    found = [document.id for document in read(files, tmp_path)]
    assert found[:4] == ["1", "2", "3", "4"]
    assert found[4] == "2 in ukwiki.xml"
    assert len(set(found)) == len(found) == 7


def test_a_page_that_cannot_be_read_does_not_stop_the_others(monkeypatch):
    def fails(wikitext: str, *_) -> str:
        if "плохо" in wikitext:
            raise RecursionError("too deep")
        return wikitext

    monkeypatch.setattr(module, "article_text", fails)
    pages = [page(1, "А", "хорошо"), page(2, "Б", "плохо"), page(3, "В", "хорошо")]
    pages.append("<page><title>Г</title><id>4</id><b></page>")
    documents = articles([text.strip().encode() for text in pages], Site(), Choice())
    faults = {document.id: document.fault for document in documents}
    assert faults["1"] is faults["3"] is None
    assert faults["2"] == "its wikitext cannot be read: RecursionError: too deep"
    assert faults["4"].startswith("its XML is broken")


def test_a_corpus_is_built_from_a_dump(tmp_path: Path):
    (tmp_path / "dumps").mkdir()
    path = tmp_path / "dumps" / "ruwiki.xml.bz2"
    path.write_bytes(bz2.compress(dump(*(article(number, 200) for number in range(1, 31)))))
    store = Store(tmp_path / "data")
    settings = config({"wiki": Wiki(path=path)}, corpus=CorpusConfig(held_out=0.1))
    assert corpus_of(store, settings).counts["documents_read"] == 30
    raw = fetch(store, "wiki", settings.sources["wiki"])
    assert [file.name for file in (raw.path / BYTES).iterdir()] == ["ruwiki.xml.bz2"]


def test_the_article_on_lithuania_reads_well(tmp_path: Path, caplog):
    (found,) = documents(real("ruwiki-excerpt.xml.bz2"), tmp_path)
    assert (found.id, found.title) == ("7", "Литва")
    assert found.text.startswith(
        "Литва\u0301 (лит. Lietuva), официальное название — Лито\u0301вская Респу\u0301блика"
        " (лит. Lietuvos Respublika) — государство, расположенное в северо-восточной части Европы."
    )
    assert "Площадь — 65 300 км². Протяжённость с севера на юг — 280 км" in found.text
    assert "\n\nИстория\n\nДревнейшая история\n\nТерритория современной" in found.text
    assert "\nВильнюс (Vilnius) — 537 152 жителей.\n" in found.text
    assert not re.search(r"Примечания|Ссылки|accessdate|Coat of Arms", found.text)
    assert not LEFT.search(found.text)
    assert "after the page «Литва»" in caplog.text


def test_the_truncated_ukrainian_dump_is_read_to_its_end_without_markup(tmp_path: Path, caplog):
    found = documents(real("ukwiki-truncated-100k.xml.xz"), tmp_path)
    assert len(found) > 490
    assert not any(document.fault for document in found)
    assert sum(len(document.text) for document in found) > 4_000_000
    left = [match[0] for document in found for match in LEFT.finditer(document.text)]
    assert len(left) <= 3, left
    assert "byte 2,198,880, after the page «1701»" in caplog.text


def test_the_bulgarian_dump_in_utf_16_is_read(tmp_path: Path):
    (found,) = documents(real("bgwiki-utf16-excerpt.xml.bz2"), tmp_path)
    assert found.text.startswith("Григорианският календар (понякога наричан и")
    assert not LEFT.search(found.text)


def test_redirects_and_tables_of_the_english_dumps_go(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    found = documents(real("enwiki-excerpt.xml.bz2"), tmp_path / "a")
    assert 90 < len(found) <= 106
    found += documents(real("enwiki-table-markup.xml.bz2"), tmp_path / "b")
    left = [match[0] for document in found for match in LEFT.finditer(document.text)]
    assert len(left) <= 3, left
