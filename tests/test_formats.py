"""Books and pages as documents: FictionBook, EPUB, HTML."""

from __future__ import annotations

import pytest

from tests import books
from tests.files import PNG, as_file, as_folder, documents, faults, read
from tests.helpers import PROSE

PAGE = """\
<!DOCTYPE html><html><head><meta charset="utf-8"><title>Старый сад —
 рассказ</title><meta name="author" content="Иван Речной">
<link rel="canonical" href="https://example.org/sad"><script>var a = "<p>нет</p>";</script></head>
<body><nav><ul><li><a href="/">Главная</a></li></ul></nav>
<article><h1>Старый сад</h1><p>Под окном росла<br>старая яблоня.<p>Её посадил &laquo;дед&raquo;.
<pre>
  Над полем
    тихий свет
</pre><table><tr><td>один</td><td>два</td></tr><tr><td>три</td></tr></table>
Просто&nbsp;текст <b>жир</b>ный<sup><a href="#cite1">[1]</a></sup>.<div hidden>нет</div></article>
<footer>© 2020</footer></body></html>"""
PAGE_TEXT = """\
Старый сад

Под окном росла
старая яблоня.

Её посадил «дед».

  Над полем
    тихий свет

один два
три

Просто текст жирный."""


# FictionBook


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251"])
def test_a_fictionbook_gives_paragraphs_verse_and_headings_without_notes(encoding, tmp_path):
    (document,) = documents(as_file(tmp_path / "сом.fb2", books.fb2(encoding)), tmp_path / "raw")
    assert document.text == books.BOOK
    assert (document.id, document.title) == ("сом", "Мельник и сом")
    assert document.author == "Иван Петрович Речной"
    assert document.year == 1887


def test_references_to_notes_that_do_not_say_so_go_too(tmp_path):
    book = books.fb2().decode()
    old = book.replace(' type="note">[1]</a>', "><sup>1</sup></a>")
    assert old != book
    as_folder(tmp_path / "books", {"a.fb2": book, "b.fb2": old})
    first, last = read(tmp_path / "books", tmp_path / "raw").values()
    assert first == last


def test_a_fictionbook_without_a_namespace_or_a_description_is_read(tmp_path):
    book = "<FictionBook><body><section><p>Одна строка.</p></section></body></FictionBook>"
    (document,) = documents(as_file(tmp_path / "a.fb2", book), tmp_path / "raw")
    assert (document.text, document.title, document.author) == ("Одна строка.", "a", None)


@pytest.mark.parametrize(
    ("right", "wrong", "weight"),
    [
        ("сом</td>", "сом & щука</td>", "сом & щука"),
        ("сом</td>", "сом &mdash; щука</td>", "сом — щука"),
        ("Собака зевнула.", "2 < 3\x0b.", "2 < 3."),
        ("Собака зевнула.", "<![CDATA[a & b]]>", "a & b"),
    ],
)
def test_small_mistakes_in_its_xml_are_mended(right, wrong, weight, tmp_path):
    book = books.fb2().decode().replace(right, wrong)
    (text,) = read(as_file(tmp_path / "a.fb2", book), tmp_path / "raw").values()
    assert weight in text.splitlines() or f"{weight} пуд" in text.splitlines()
    assert text.count("\n") == books.BOOK.count("\n")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (PNG, "not text"),
        (PROSE, "damaged"),
        ("<html><body>Не книга</body></html>", "no FictionBook"),
        ("<FictionBook><binary>iVBORw0KGgo=</binary></FictionBook>", "no text"),
        ("<FictionBook><body>" + "<section>" * 5000 + "</section>" * 5000, "damaged"),
    ],
    ids=["png", "prose", "html", "pictures", "deep"],
)
def test_what_is_no_fictionbook_is_a_fault(content, why, tmp_path):
    (fault,) = faults(as_file(tmp_path / "a.fb2", content), tmp_path / "raw").values()
    assert why in fault


def test_deeply_nested_sections_are_read(tmp_path):
    deep = "<section>" * 1500 + "<p>Дно.</p>" + "</section>" * 1500
    book = f"<FictionBook><body>{deep}</body></FictionBook>"
    assert read(as_file(tmp_path / "a.fb2", book), tmp_path / "raw") == {"a": "Дно."}


# EPUB


def test_an_epub_gives_its_pages_in_order_without_contents_and_notes(tmp_path):
    (document,) = documents(as_file(tmp_path / "сом.epub", books.epub()), tmp_path / "raw")
    assert document.text == books.EPUB_TEXT
    assert (document.id, document.title) == ("сом", "Мельник и сом")
    assert document.author == "Иван Речной, Пётр Лесной"
    assert document.year == 1887


def test_what_is_no_zip_is_no_epub(tmp_path):
    files = {"a.epub": PROSE, "b.epub": PNG, "c.epub": "", "d.epub": books.epub()[:40]}
    found = faults(as_folder(tmp_path / "t", files), tmp_path / "raw")
    assert found.keys() == {"a", "b", "c", "d"}


# HTML


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "koi8-r"])
def test_a_page_gives_what_a_reader_sees_in_spite_of_what_it_declares(encoding, tmp_path):
    page = PAGE.encode(encoding, "ignore")
    (document,) = documents(as_file(tmp_path / "sad.html", page), tmp_path / "raw")
    dashes = str.maketrans("", "", "—")  # koi8-r has none
    assert document.text == PAGE_TEXT
    assert document.title.translate(dashes).split() == ["Старый", "сад", "рассказ"]
    assert document.author == "Иван Речной"
    assert document.url == "https://example.org/sad"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("Просто строка", "Просто строка"),
        ("<p>Раз<p>два</i></b>", "Раз\n\nдва"),
        ("<?xml version='1.0'?><html><body><a id='x'/><p>Раз</p></body></html>", "Раз"),
        ("<div><div><div>Раз</div></div></div><br><br>два", "Раз\n\nдва"),
        ("<!-- нет -->Раз<!-- нет --> два", "Раз два"),
        ("<article>Раз</article><article>Два</article>", "Раз\n\nДва"),
    ],
)
def test_pages_of_all_kinds_of_markup_are_read(page, text, tmp_path):
    assert read(as_file(tmp_path / "a.htm", page), tmp_path / "raw") == {"a": text}


def test_an_empty_page_is_a_fault(tmp_path):
    files = {"a.html": "", "b.html": PNG}
    found = faults(as_folder(tmp_path / "t", files), tmp_path / "raw")
    assert found.keys() == {"a", "b"}


@pytest.mark.parametrize(
    ("element", "kind"),
    [
        ("<math><mi>x</mi><mo>=</mo><mn>2</mn></math>", "formulas"),
        ("<svg><text>Карта</text></svg>", "drawings"),
        ("<aside><p>Читайте также</p></aside>", "asides"),
        ("<footer>Все права защищены</footer>", "footers"),
        ("<aside epub:type='footnote'><p>Прим. 1</p></aside>", "notes"),
        ("<section role='doc-endnotes'><p>Прим. 1</p></section>", "notes"),
    ],
)
def test_words_that_a_page_hides_are_told_as_left_out(element, kind, tmp_path):
    page = f"<html><body><p>Раз.</p>{element}<p>Два.</p></body></html>"
    (document,) = documents(as_file(tmp_path / "a.html", page), tmp_path / "raw")
    assert document.text == "Раз.\n\nДва."
    assert document.mended == (f"{kind} left out",)


MAIN = "<p>Было раннее утро, и над рекою стоял туман.</p>"


@pytest.mark.parametrize("name", ["main", "article"])
@pytest.mark.parametrize(
    ("page", "text", "mended"),
    [
        ("<{0}>{1}</{0}>", "{1}", ()),
        ("<div>Раз.</div><{0}>{1}</{0}>", "{1}", ("text outside of the main part left out",)),
        ("<{0}><h1>Утро</h1></{0}>{1}", "Утро\n\n{1}", ()),
        ("{1}<{0}></{0}>", "{1}", ()),
        ("<{0}><p>Аннотация.</p></{0}><div>{1}{1}</div>", "Аннотация.\n\n{1}\n\n{1}", ()),
    ],
)
def test_the_main_part_of_a_page_counts_if_the_text_is_in_it(name, page, text, mended, tmp_path):
    content = f"<html><body>{page.format(name, MAIN)}</body></html>"
    (document,) = documents(as_file(tmp_path / "a.html", content), tmp_path / "raw")
    assert document.text == text.format(name, MAIN[3:-4])
    assert document.mended == mended


@pytest.mark.parametrize("again", ["", "<!-- "])
def test_a_comment_that_does_not_end_hides_nothing(again, tmp_path):
    page = f"<html><body><!-- да --><p>Раз.</p><!-- нет <p>Два.</p>{again}<p>Три.</p></body></html>"
    (document,) = documents(as_file(tmp_path / "a.html", page), tmp_path / "raw")
    assert document.text.split() == ["Раз.", "нет", "Два.", "Три."]
    assert document.mended == ("comments not closed",)


def test_empty_drawings_are_not_told(tmp_path):
    page = "<html><body><p>Раз.</p><svg><path d='M0 0'/></svg><footer> </footer></body></html>"
    (document,) = documents(as_file(tmp_path / "a.html", page), tmp_path / "raw")
    assert document.mended == ()
