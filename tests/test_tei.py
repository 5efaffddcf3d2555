"""TEI, the XML of scholarly editions, and other XML told apart by its root."""

from __future__ import annotations

import pytest

from tests import books
from tests.files import as_file, as_folder, as_zip, documents, faults, read
from tests.helpers import PROSE, VERSE

PLAY_TEXT = """\
Действующие лица

Мельник, старик.
Сом.

Действие первое

Берег реки.

Мельник (тихо): Быть сегодня (смотрит на небо) дождю.
И ветру.

Сом:
Над полем тихий свет зари,
И в роще голос соловья;

Уходят."""


def tei(body: str) -> str:
    return f'<TEI xmlns="http://www.tei-c.org/ns/1.0">{books.TEI_HEADER}<text><body>{body}</body></text></TEI>'


@pytest.mark.parametrize(
    "play",
    [
        books.TEI,
        books.TEI.replace(' xmlns="http://www.tei-c.org/ns/1.0"', ""),
        books.TEI.replace("<TEI", "<TEI.2").replace("</TEI>", "</TEI.2>"),
        books.TEI.replace("</sp>", "", 1),
        "\n" + books.TEI,
    ],
    ids=["P5", "no namespace", "P4", "open tag", "line before"],
)
def test_a_play_gives_its_speeches_and_directions_without_notes(play, tmp_path):
    (document,) = documents(as_file(tmp_path / "a.xml", play), tmp_path / "raw")
    assert document.text == PLAY_TEXT
    assert (document.title, document.author, document.year) == ("Мельник", "Иван Речной", 1887)
    assert "notes left out" in document.mended


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<div><head>Глава</head><p>Раз.</p><p>Два.</p></div>", "Глава\n\nРаз.\n\nДва."),
        ("<lg><l>раз</l><l>два</l></lg><lg><l>три</l></lg>", "раз\nдва\n\nтри"),
        ("<p>Сло<pb n='2'/>во.</p>", "Слово."),
        ("<p>раз<lb/>два сло<lb break='no'/>во</p>", "раз два слово"),
        ("<p><choice><sic>аписка</sic><corr>описка</corr></choice></p>", "описка"),
        ("<p><choice><abbr>г.</abbr><expan>город</expan></choice></p>", "город"),
        ("<p><choice><orig>щастье</orig></choice></p>", "щастье"),
        ("<p><sic>щастье</sic> <abbr>г.</abbr> <orig>нонче</orig></p>", "щастье г. нонче"),
        ("<p><app><lem>туман</lem><rdg>обман</rdg></app> <del>нет</del><add>да</add></p>",
         "туман да"),
        ("<p>10<hi rend='superscript'>6</hi>, CO<hi rend='sub'>2</hi></p>", "10⁶, CO₂"),
        ("<p>слово<ref target='#n1'>1</ref><note place='foot'>Прим.</note>.</p>", "слово."),
        ("<p>Он пел: <quote><lg><l>раз</l><l>два</l></lg></quote> и ушёл.</p>",
         "Он пел:\n\nраз\nдва\n\nи ушёл."),
        ("<list><item>раз</item><item>два</item></list>", "раз\nдва"),
        ("<table><row><cell>раз</cell><cell>два</cell></row></table>", "раз два"),
        ("<p>Письмо.</p><closer><signed>Иван</signed><dateline>Москва</dateline></closer>",
         "Письмо.\n\nИван\nМосква"),
        ("<div type='contents'><p>Глава 1 … 5</p></div><p>Раз.</p>", "Раз."),
        ("Просто текст", "Просто текст"),
        ("<floatingText><body><p>Рассказ в рассказе.</p></body></floatingText>",
         "Рассказ в рассказе."),
        ("<sp><p>Без имени.</p></sp><sp><speaker>Сом.</speaker><stage>молчит</stage></sp>",
         "Без имени.\n\nСом:\nмолчит"),
    ],
)  # fmt: skip
def test_the_text_is_that_of_the_edition(body, text, tmp_path):
    assert read(as_file(tmp_path / "a.xml", tei(body)), tmp_path / "raw") == {"a": text}


@pytest.mark.parametrize(
    ("hidden", "kind", "letters"),
    [
        ("<note>Прим. 1</note>", "notes", 5),
        ("<div type='notes'><p>Прим.</p><note>1</note></div>", "notes", 5),
        ("<figure><head>Вид Москвы</head><graphic url='a'/></figure>", "captions of pictures", 9),
        ("<div type='contents'><p>Глава 1</p></div>", "contents, imprints and indexes", 6),
        ("<titlePage><docTitle>Сом</docTitle></titlePage>", "title pages", 3),
    ],
)
def test_words_that_are_left_out_are_told_with_their_letters(
    hidden, kind, letters, tmp_path, caplog
):
    path = as_file(tmp_path / "a.xml", tei(f"<p>Раз.</p>{hidden}"))
    assert read(path, tmp_path / "raw") == {"a": "Раз."}
    [line] = caplog.messages
    assert line.endswith(f": .xml {kind} left out: 1 ({letters} letters)")


def test_a_corpus_gives_each_of_its_works(tmp_path):
    corpus = f"<teiCorpus>{books.TEI_HEADER}{tei('<p>Раз.</p>')}{tei('<p>Два.</p>')}</teiCorpus>"
    texts = read(as_file(tmp_path / "a.xml", corpus), tmp_path / "raw")
    assert list(texts.values()) == ["Раз.", "Два."]


def test_an_archive_of_tei_and_plain_texts_is_read_whole(tmp_path):
    files = {f"романы/{n}.xml": tei(f"<p>{n}. {PROSE}</p>") for n in range(20)}
    texts = read(as_zip(tmp_path / "t.zip", {**files, "а.txt": VERSE, "б.txt": PROSE}),
                 tmp_path / "raw")  # fmt: skip
    assert len(texts) == 22 and all(texts.values())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<rss><channel/></rss>", "root 'rss'"),
        ("<mediawiki xmlns='x'><page/></mediawiki>", "source of kind wiki"),
        (tei(""), "no text"),
        (PROSE, "damaged"),
    ],
)
def test_other_xml_is_a_fault_that_says_what_it_is(content, expected, tmp_path):
    (fault,) = faults(as_file(tmp_path / "a.xml", content), tmp_path / "raw").values()
    assert expected in fault


def test_a_book_or_page_may_be_called_xml(tmp_path):
    page = books.PAGE.format(body=books.TWO)
    texts = read(as_folder(tmp_path / "t", {"а.xml": books.fb2(), "б.xml": page}), tmp_path / "r")
    assert texts["а"] == books.BOOK
    assert texts["б"].startswith("Глава вторая")
