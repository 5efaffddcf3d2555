"""Books with a slip of form: what can be read is read, and what was mended is told."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.sources.archives import Member, Unreadable
from femtogpt.sources.formats import any_xml, epub, fb2, html
from femtogpt.sources.formats.xml import parse
from tests import books
from tests.counted import operations
from tests.files import PNG, as_file, as_folder, documents, faults, read, zip_bytes
from tests.helpers import PROSE, VERSE, quick

FB2 = books.fb2().decode()
DECLARED = ' xmlns:l="http://www.w3.org/1999/xlink"'
WHOLE_EPUB = books.EPUB_TEXT
SENTENCE = "Старый мельник вышел на крыльцо и долго смотрел на воду."


def member(data: bytes) -> Member:
    return Member("a", lambda: io.BytesIO(data))


# FictionBook


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        (DECLARED, "", "undeclared prefix"),
        (DECLARED, ' xmlns:l=""', ""),
        ('<?xml version="1.0" encoding="utf-8"?>', "", ""),
        ("<?xml ", "\n\n <?xml ", "text before the XML"),
        ("<?xml ", "\ufeff\ufeff<?xml ", ""),
        ("<?xml ", "HTTP/1.1 200 OK\n\n<?xml ", "text before the XML"),
        ("<?xml ", "<!-- a -->\n<?xml ", "text before the XML"),
        ("utf-8", "windows-1251", ""),
        ("utf-8", "no-such-encoding", ""),
        ("<FictionBook", "<!DOCTYPE FictionBook [<!ELEMENT p ANY>]>\n<FictionBook", ""),
        ("</emphasis>", "", "tags not closed"),
        ("</strong>", "</b></strong>", "tags not closed"),
        ("<p>Собака зевнула.</p>", "<p>Собака зевнула.", "tags not closed"),
        ("<v>Над полем тихий свет зари,</v>", "<v>Над полем тихий свет зари,", "tags not closed"),
        ("<p>Глава вторая</p>", "<P>Глава вторая</p>", ""),
        ("</description>", "", "tags not closed"),
        ("</FictionBook>", "", "cut off"),
        ("</FictionBook>", "</FictionBook></FictionBook>", ""),
        ("</FictionBook>", "</FictionBook>\n<p/>", "after the end"),
        ('type="note"', "type=note", "damaged attributes"),
        ('type="note"', 'type="note" type="note"', "damaged attributes"),
        ("<empty-line/>", "<empty-line>", ""),
        ("Собака", "Со\x00ба\x07ка", "forbidden characters"),
        ("Собака", "Собака&#0;&#x1f;", ""),
        ("и там&gt;", "и там>", ""),
        ("&lt;и там", "<и там", "& or <"),
        ("на&#160;крыльцо", "на&nbsp;крыльцо", ""),
        ("</description>", "</description><!-- a -- b -->", ""),
        ("Собака зевнула.</p>", "<![CDATA[Собака зевнула.]]>", "tags not closed"),
        (' xmlns="http://www.gribuser.ru/xml/fictionbook/2.0"', "", ""),
        ("http://www.gribuser.ru/xml/fictionbook/2.0", "http://example.org/other", ""),
        ("http://www.gribuser.ru/xml/fictionbook/2.0", "что угодно", ""),
        ("Что же", "]]>Что же", ""),
    ],
)
def test_a_slip_of_form_loses_no_letter_of_a_fictionbook(right, wrong, expected, tmp_path):
    book = FB2.replace(right, wrong)
    assert book != FB2
    (document,) = documents(as_file(tmp_path / "a.fb2", book), tmp_path / "raw")
    assert document.text.replace("]]>", "") == books.BOOK
    assert (document.title, document.year) == ("Мельник и сом", 1887)
    assert any(expected in kind for kind in document.mended)


def test_several_slips_in_one_book_are_mended_together(tmp_path):
    book = FB2.replace(DECLARED, "").replace("</emphasis>", "").replace("<?xml", " \n<?xml")
    (document,) = documents(as_file(tmp_path / "a.fb2", book), tmp_path / "raw")
    assert document.text == books.BOOK
    assert len(document.mended) >= 3


def test_a_zip_that_is_called_fb2_is_read(tmp_path):
    folder = as_folder(tmp_path / "t", {"а.fb2": zip_bytes({"b.fb2": FB2}), "б.fb2": zip_bytes({})})
    assert read(folder, tmp_path / "raw") == {"а": books.BOOK, "б": ""}


def test_text_outside_of_paragraphs_is_text_too(tmp_path):
    book = "<FictionBook><body>Раз<section>два <emphasis>три</emphasis><p>четыре</p>пять</section>"
    (text,) = read(as_file(tmp_path / "a.fb2", book), tmp_path / "raw").values()
    assert text.split() == ["Раз", "два", "три", "четыре", "пять"]
    assert "два три" in text.splitlines()


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("5 м<sup>2</sup>", "5 м²"),
        ("10<sup>-6</sup> и 10<sup>6</sup>", "10⁻⁶ и 10⁶"),
        ("10<sup>\u22123</sup>, x<sup>n</sup>", "10⁻³, xⁿ"),
        ("CO<sub>2</sub>, a<sub>i</sub>", "CO₂, aᵢ"),
        ("1<sup>й</sup>, M<sup>lle</sup>", "1й, Mlle"),
        ("2<sup>1/2</sup>, 2<sup>2k+1</sup>", "2^(1/2), 2^(2k+1)"),
        ("слово<sup>3</sup>", "слово³"),
        ("слово<sup>*</sup>", "слово*"),
        ('слово<sup><a l:href="#n1">3</a></sup>.', "слово."),
        ('слово<a l:href="#n1"><sup>3</sup></a>.', "слово."),
        ('слово<a l:href="notes.html"><sup>3</sup></a>.', "слово."),
        ('см. <a l:href="http://example.org">12</a>.', "см. 12."),
    ],
)
@pytest.mark.parametrize("form", ["fb2", "epub"])
def test_raised_and_lowered_digits_stay_so_and_references_to_notes_go(form, markup, text, tmp_path):
    if form == "fb2":
        book = FB2.replace("Собака зевнула.", markup).encode()
    else:
        markup = markup.replace("l:href", "href")
        book = books.epub(two=books.PAGE.format(body=f"<p>{markup}</p>"))
    (found,) = read(as_file(tmp_path / f"a.{form}", book), tmp_path / "raw").values()
    assert found.splitlines()[-1] == text


@pytest.mark.parametrize(
    ("declaration", "reference", "text"),
    [
        ('<!ENTITY b "в">', "&b;", "в"),
        ("<!ENTITY b 'в'>", "а&b;", "ав"),
        ('<!ENTITY a "aa"><!ENTITY b "&a;&a;">', "&b;", "&b;"),  # an expansion of expansions
        ('<!ENTITY b SYSTEM "file:///etc/passwd">', "&b;", "&b;"),
        (f'<!ENTITY b "{"в" * 1000}">', "&b;", "&b;"),
        ("", "&nosuch;", "&nosuch;"),
    ],
)
def test_entities_of_a_book_are_inserted_if_they_are_short_and_never_fetched(
    declaration, reference, text, tmp_path
):
    book = f"<!DOCTYPE a [{declaration}]><FictionBook><body>{reference}</body></FictionBook>"
    assert read(as_file(tmp_path / "a.fb2", book), tmp_path / "raw") == {"a": text}


def test_a_book_cut_off_anywhere_gives_what_precedes_the_cut_and_says_so():
    book = books.fb2()
    for end in range(1, len(book) - 1, 97):
        file = member(book[:end])
        try:
            (document,) = fb2.read(file, None)
        except Unreadable:
            assert end < book.index("<p>Иван Речной".encode()) + 60  # before any text
        else:
            assert books.BOOK.startswith(document.text[:-1].rstrip("&\ufffd "))
            assert any(kind.startswith("cut off") for kind in file.mended)


def test_a_repair_takes_work_in_proportion_to_the_text():
    def work(text: str) -> int:
        def repair() -> None:
            with suppress(Unreadable):
                parse(text, [])

        return operations(repair, "formats/")

    for piece in ("<p>", "<!--", "<![CDATA[", "<a b='", "<a b=c ", "</p>", "&", "<?", "<!DOCTYPE["):
        few, many = (work(f"<FictionBook>{piece * n}") for n in (1_000, 8_000))
        assert many <= 1.2 * 8 * few, piece


@pytest.mark.parametrize("tag", ["sup", 'a href="#1"', 'a href="/x"', "div", "p", "table", "form"])
def test_a_page_of_tags_that_are_never_closed_is_read_in_linear_time(tag):
    def work(count: int) -> int:
        def read() -> None:
            file = member(f"<body>{f'<{tag}>{SENTENCE} ' * count}</body>".encode())
            (document,) = html.read(file, None)
            assert document.text.count("мельник") == count

        return operations(read, "formats/")

    assert work(1600) <= 1.2 * 8 * work(200)


# EPUB


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"book": books.PACKAGE.replace(' xmlns:dc="http://purl.org/dc/elements/1.1/"', "")},
         "undeclared prefix"),
        ({"book": books.PACKAGE.replace("<dc:creator>", '<dc:creator opf:role="aut">')},
         "undeclared prefix"),
        ({"book": "\n" + books.PACKAGE}, "text before the XML"),
        ({"book": books.PACKAGE.replace("</guide>", "")}, "tags not closed"),
        ({"book": books.PACKAGE.replace('"text/two', '"/OPS/text/two')}, "another name"),
        ({"book": books.PACKAGE.replace('"text/two', '"/text/two')}, "another name"),
        ({"book": books.PACKAGE.replace('"text/two', '"Text/TWO')}, "another name"),
        ({"book": books.PACKAGE.replace('"text/two', '"text\\two')}, "another name"),
        ({"book": books.PACKAGE.replace('"text/two', '"old/two')}, "another name"),
        ({"book": books.PACKAGE.replace("two.xhtml\" media", "two.xhtml#a\" media")},
         "another name"),
        ({"book": books.PACKAGE.replace("two.xhtml\" media", "two.xhtml?v=2\" media")},
         "another name"),
        ({"container": None}, "no container.xml"),
        ({"container": "<container/>"}, "no container.xml"),
        ({"container": PNG}, "no container.xml"),
        ({"container": books.CONTAINER.replace("OPS/book.opf", "book.opf")}, None),
        ({"mimetype": None}, None),
        ({"book": books.PACKAGE.replace('<itemref idref="one"', '<itemref idref="x"/>'
                                        '<itemref idref="one"')}, "pages missing"),
        ({"book": books.PACKAGE.replace('<itemref idref="two"/>',
                                        '<itemref idref="two"/><itemref idref="two"/>')}, None),
        ({"один": books.FILES["OPS/text/один.xhtml"].replace(
            ' xmlns:epub="http://www.idpf.org/2007/ops"', "")}, None),
        ({"один": books.FILES["OPS/text/один.xhtml"].replace("</i>", "")}, None),
        ({"один": "\n" + books.FILES["OPS/text/один.xhtml"]}, None),
    ],
)  # fmt: skip
def test_a_slip_of_form_loses_no_letter_of_an_epub(changes, expected, tmp_path):
    (document,) = documents(as_file(tmp_path / "a.epub", books.epub(**changes)), tmp_path / "raw")
    assert document.text == WHOLE_EPUB
    assert document.title == "Мельник и сом"
    mended = {kind for kind in document.mended if "notes" not in kind}
    assert any(expected in kind for kind in mended) if expected else not mended


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"two": None}, "pages missing in the archive, left out"),
        ({"two": PNG}, "damaged pages left out"),
        ({"two": ""}, "damaged pages left out"),
        ({"book": books.PACKAGE.replace('id="two"', 'id="three"')}, "pages missing"),
    ],
)
def test_of_an_epub_without_a_page_the_others_are_read(changes, expected, tmp_path):
    (document,) = documents(as_file(tmp_path / "a.epub", books.epub(**changes)), tmp_path / "raw")
    assert document.text == WHOLE_EPUB.partition("\n\nГлава вторая")[0]
    assert any(expected in kind for kind in document.mended)


def test_an_epub_without_a_list_of_pages_is_read_in_the_order_of_their_names(tmp_path):
    pages = {f"page{n}.xhtml": books.PAGE.format(body=f"<p>Часть {n}.</p>") for n in (10, 9, 1)}
    (document,) = documents(as_file(tmp_path / "a.epub", zip_bytes(pages)), tmp_path / "raw")
    assert document.text == "Часть 1.\n\nЧасть 9.\n\nЧасть 10."
    assert any("order of their names" in kind for kind in document.mended)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_of_an_epub_that_is_cut_off_the_whole_pages_are_read(method, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as zipped:
        for name, content in books.FILES.items():
            zipped.writestr(name, content)
    data = packed.getvalue()
    last_page = data.index(b"OPS/text/two.xhtml")
    cuts = {len(data) - 10: WHOLE_EPUB, last_page: WHOLE_EPUB.partition("\n\nГлава вторая")[0]}
    for end, text in cuts.items():
        as_file(tmp_path / "a.epub", data[:end])
        (document,) = documents(tmp_path / "a.epub", tmp_path / f"raw{end}")
        assert document.text == text
        assert "damaged or cut off, its whole pages read" in document.mended


def test_an_epub_whose_pages_are_encrypted_is_called_so(tmp_path):
    files = books.FILES | {"META-INF/encryption.xml": "<encryption/>"}
    locked = {name: PNG if name.endswith(html.SUFFIXES) else text for name, text in files.items()}
    path = as_file(tmp_path / "a.epub", zip_bytes(locked))
    (fault,) = faults(path, tmp_path / "raw").values()
    assert "encrypted" in fault
    fonts = as_file(tmp_path / "b.epub", zip_bytes(files))
    assert not faults(fonts, tmp_path / "fonts")


def test_an_epub_none_of_whose_pages_can_be_read_is_a_fault(tmp_path):
    book = books.epub(один=PNG, two=PNG)
    (fault,) = faults(as_file(tmp_path / "a.epub", book), tmp_path / "raw").values()
    assert "not text" in fault


# all of them


def test_what_was_mended_is_told_in_one_line_for_the_source(tmp_path, caplog):
    files = {
        "а.fb2": FB2.replace(DECLARED, ""),
        "б.fb2": FB2.replace(DECLARED, ""),
        "в.epub": books.epub(two=None),
        "г.txt": PROSE,
    }
    documents(as_folder(tmp_path / "t", files), tmp_path / "raw")
    (line,) = [message for message in caplog.messages if "mended" in message]
    assert ".fb2 undeclared prefix: 2" in line
    assert ".epub pages missing in the archive, left out: 1" in line


def test_pages_that_a_book_leaves_out_are_told_with_their_letters(tmp_path, caplog):
    book = books.PACKAGE.replace('<itemref idref="two"/>', '<itemref idref="two" linear="no"/>')
    assert book != books.PACKAGE
    (document,) = documents(as_file(tmp_path / "a.epub", books.epub(book=book)), tmp_path / "raw")
    two = books.EPUB_TEXT.removeprefix(document.text)
    [line] = caplog.messages
    (count,) = re.findall(r"notes or the cover left out: \d+ \(([\d,]+) letters\)", line)
    assert int(count.replace(",", "")) >= len(LETTER.findall(two)) > 0


def test_an_error_of_a_parser_is_a_fault_of_its_file_alone(tmp_path, monkeypatch):
    def fail(*args):
        raise AssertionError("a bug")

    monkeypatch.setattr("femtogpt.sources.formats.fb2.parse", fail)
    folder = as_folder(tmp_path / "t", {"а.fb2": FB2, "б.txt": VERSE})
    assert read(folder, tmp_path / "raw") == {"а": "", "б": VERSE}
    (fault,) = faults(folder, tmp_path / "raw2").values()
    assert fault == "reading failed: AssertionError: a bug"


LETTER = re.compile(r"[^\W_]")
BOOKS = {
    "fb2": (fb2.read, FB2.encode()),
    "fb2 in cp1251": (fb2.read, books.fb2("windows-1251")),
    "epub": (epub.read, books.epub()),
    "tei": (any_xml.read, books.TEI.encode()),
    "html": (html.read, books.PAGE.format(body=books.ONE + books.TWO).encode()),
}


@quick
@given(
    form=st.sampled_from(list(BOOKS)),
    cut=st.floats(0, 1) | st.none(),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20), st.binary(max_size=4))),
)
def test_damage_never_ends_a_run_and_adds_nothing(form, cut, changes):
    """Whatever is done to a book's bytes, a reader gives a part of its letters or a reason."""

    read_format, original = BOOKS[form]
    data = bytearray(original if cut is None else original[: int(cut * len(original))])
    for position, size, junk in changes[:5]:
        at = int(position * len(data))
        data[at : at + size] = junk
    try:
        text = "".join(document.text for document in read_format(member(bytes(data)), None))
    except Unreadable as error:
        assert str(error)
        return
    text.encode()  # in Parquet and JSON
    if not changes:
        (document,) = read_format(member(original), None)
        extra = Counter(LETTER.findall(text)) - Counter(LETTER.findall(document.text))
        assert sum(extra.values()) <= 1  # a letter of which a half is left
