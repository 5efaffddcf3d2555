"""Pages of web sites: their text stays, their menus go."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from femtogpt.sources.formats.flow import text_of
from femtogpt.sources.formats.html import kind_of, page
from femtogpt.sources.formats.menus import without_menus
from tests.files import as_file, as_zip, documents, faults, read
from tests.helpers import PROSE, VERSE, quick

LINKS = ("Регистрация", "Найти", "Рейтинги", "Новинки", "Статистика", "Проза")
MENU = " | ".join(f"<a href=/{n}>{name}</a>" for n, name in enumerate(LINKS))
PARAGRAPHS = ["Было раннее утро, и над рекою стоял туман.", "— Да.", "Тихо.", "Собака зевнула"]
TEXT = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
LIBRARY = f"""\
<html><head><title>Речной Иван. Сом</title></head><body bgcolor="#E9E9E9">
<center><h2><small><a href=/r/>Речной Иван</a>:</small><br>Сом</h2></center>
<div align=right><small>[<a href=/1>Регистрация</a>] [<a href=/2>Найти</a>]</small></div>
<table border=0><tr><td><small><ul><li><a href=/c>Комментарии: 3, последний от 01/02/2010.</a>
<li>&copy; Copyright <a href=/r/>Речной Иван</a> (r@example.org)
<li>Размещен: 01/02/2008. 25k. <a href=/s>Статистика.</a></ul></small></td>
<td>Аннотация:<br>Рассказ о старом мельнике и его собаке.</td></tr></table>
<hr size=2 noshade><!-- начало -->
<dd>&nbsp;&nbsp;&nbsp;{PARAGRAPHS[0]}
<dd>&nbsp;&nbsp;&nbsp;{PARAGRAPHS[1]}
<hr size=2 noshade>
<table><tr><td><ul><li><a href=/c>Комментарии: 3.</a><li><a href=/t>Рассказ</a></ul></td>
<td><form action=/vote>Оценка: <b>7.00*5</b><select><option>шедевр</select><input></form></td></tr>
</table><a href=/admin>Связаться с программистом сайта</a>.
<center>Новые книги, вышедшие из печати:<br>И.Речной "Сом", П.Лесной "Ёж"</center>
</body></html>"""


def text_in(markup: str) -> str:
    root = page(markup, [])
    without_menus(root, kind_of)
    return text_of(root, kind_of)


@pytest.mark.parametrize("suffix", [".shtml", ".html", ".htm", ".xhtml", ".SHTML"])
@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "utf-8"])
def test_a_page_of_a_library_gives_the_work_without_the_sites_menus(suffix, encoding, tmp_path):
    content = LIBRARY.encode(encoding, "replace")
    (document,) = documents(as_file(tmp_path / f"сом{suffix}", content), tmp_path / "raw")
    annotation = "Аннотация: Рассказ о старом мельнике и его собаке."
    wanted = f"Речной Иван: Сом {annotation} {PARAGRAPHS[0]} Да."
    assert document.text.translate(str.maketrans("", "", "—?")).split() == wanted.split()
    assert "menus left out" in document.mended


@pytest.mark.parametrize(
    "markup",
    [
        f"<div>{MENU}</div>{TEXT}<div>{MENU}</div>",
        f"<table><tr><td>{MENU}</td><td>{TEXT}</td></tr></table>",
        f"<ul><li><a href=/1>Раз</a><li><a href=/2>Два</a></ul>{TEXT}",
        f"<form>{TEXT}<div>{MENU}<input></div></form>",
        f"{MENU}<hr>{TEXT}<hr>{MENU}",
        f"<header><div>{MENU}</div></header><main>{TEXT}</main><footer>{MENU}</footer>",
        f"<nav>{MENU}</nav>{TEXT}<aside>{MENU}</aside>",
        f"<form><input> Найти</form>{TEXT}",
        f"<center><font><small>{MENU}</small></font></center><div><div>{TEXT}</div></div>",
    ],
)
def test_menus_go_wherever_they_stand(markup):
    assert text_in(f"<html><body>{markup}</body></html>").split("\n\n") == PARAGRAPHS


@pytest.mark.parametrize(
    "markup",
    [
        VERSE.replace("\n", "<br>"),
        "".join(f"<div>{line}</div>" for line in VERSE.splitlines()),
        f"<pre>{VERSE}</pre>",
        f"<pre>\n\n     {PROSE}</pre>",
        f"<form>{PROSE}</form>",
        f"<p><a href=/x>{PARAGRAPHS[0]}</a></p>",
        '<p>Он читал <a href="/w">Дуэль</a>, <a href="/w">Чайку</a> и другие книги Чехова.</p>',
        '<p><a href="#1">Глава первая</a></p><p><a href="#2">Глава вторая</a></p>',
        '<h1><a href="/r">Речной Иван</a>: <a href="/s">Сом</a></h1>',
        "<table><tr><td>Сом</td><td>пуд</td></tr></table>",
        "<noindex>Москва, 1887</noindex>",
    ],
)
def test_text_of_every_form_stays_beside_menus(markup):
    words = re.findall(r"\w+", text_of(page(f"<body>{markup}</body>", []), kind_of))
    found = text_in(f"<html><body><div>{MENU}</div><div>{markup}</div></body></html>")
    assert re.findall(r"\w+", found) == words


WORDS = st.sampled_from(["старый", "лесник", "каждое", "утро", "обходил", "свой", "участок", "и"])
SENTENCES = st.lists(WORDS, min_size=6, max_size=20).map(lambda words: " ".join(words) + ".")
WRAPPERS = st.sampled_from(
    [
        *("<div>{}</div>", "<table><tr><td>{}</td></tr></table>", "<center>{}</center>"),
        *("<form>{}</form>", "<ul><li>{}</li></ul>", "<font>{}</font>", "<section>{}</section>"),
        *("<dl><dd>{}</dd></dl>", "<noindex>{}</noindex>", "<hr>{}<hr>", "<article>{}</article>"),
        *("<div>" + MENU + "{}</div>", "<div>{}<div>" + MENU + "</div></div>"),
        *("<blockquote>{}</blockquote>", "<body>{}</body>"),
    ]
)


@quick
@given(
    sentences=st.lists(SENTENCES, min_size=1, max_size=6),
    wrappers=st.lists(st.lists(WRAPPERS, max_size=4), min_size=6, max_size=6),
    around=st.lists(WRAPPERS, max_size=3),
)
def test_whole_sentences_are_never_taken_for_a_menu(sentences, wrappers, around):
    parts = []
    for sentence, wraps in zip(sentences, wrappers, strict=False):
        part = f"<p>{sentence}</p>"
        for wrap in wraps:
            part = wrap.replace("{}", part)
        parts.append(part)
    body = "".join(parts)
    for wrap in around:
        body = wrap.replace("{}", body)
    text = text_in(f"<html><body>{body}</body></html>")
    assert [line for line in text.splitlines() if line in sentences] == sentences


def test_measuring_menus_takes_time_in_proportion_to_the_page():
    def steps(count: int) -> int:
        visited = 0

        def counting(element: etree._Element, name: str):
            nonlocal visited
            visited += 1
            return kind_of(element, name)

        body = f"<div>{MENU}</div><p>{PARAGRAPHS[0]}</p>" * count
        without_menus(page(f"<body>{'<div>' * 100}{body}</body>", []), counting)
        return visited

    assert steps(400) < 5 * steps(100)


def test_a_page_of_menus_alone_is_a_fault(tmp_path):
    (fault,) = faults(as_file(tmp_path / "a.html", f"<div>{MENU}</div>"), tmp_path / "r").values()
    assert fault == "there is no text in it"


def test_pages_in_archives_are_read_whatever_their_suffix(tmp_path):
    files = {f"{name}": f"<p>{PROSE}</p>" for name in ("а.shtml", "б.shtm", "в.xht", "г.htm")}
    assert len(read(as_zip(tmp_path / "t.zip", files), tmp_path / "raw")) == 4
