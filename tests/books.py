"""Books in the forms in which they are handed about: FictionBook, EPUB, TEI."""

from __future__ import annotations

from tests.files import zip_bytes

FB2 = """\
<?xml version="1.0" encoding="{encoding}"?>
<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0" xmlns:l="http://www.w3.org/1999/xlink">
 <description>
  <title-info>
   <genre>prose</genre>
   <author><first-name>Иван</first-name><middle-name>Петрович</middle-name>
    <last-name>Речной</last-name></author>
   <book-title>Мельник и сом</book-title>
   <annotation><p>О чём книга.</p></annotation>
   <date value="1887-03-01">весна 1887</date>
   <coverpage><image l:href="#cover.png"/></coverpage>
   <lang>ru</lang>
  </title-info>
  <document-info><author><nickname>scanner</nickname></author><date>2009</date></document-info>
  <publish-info><year>2005</year></publish-info>
 </description>
 <body>
  <title><p>Иван Речной</p><p>Мельник и сом</p></title>
  <epigraph><p>Тише едешь — дальше будешь.</p><text-author>Пословица</text-author></epigraph>
  <section>
   <title><p>Глава первая</p></title>
   <image l:href="#cover.png"/>
   <p>Над рекою стоял <emphasis>густой</emphasis>
      туман<a l:href="#n1" type="note">[1]</a>; мельник вышел на&#160;крыльцо.</p>
   <empty-line/>
   <p>— Что же ты <strong>молчишь</strong>? — спросил он&nbsp;собаку.</p>
   <poem>
    <title><p>Песня</p></title>
    <stanza><v>Над полем тихий свет зари,</v><v>И в роще голос соловья;</v></stanza>
    <stanza><v>Ты долго так не говори,</v><v>Что песня кончена моя.</v></stanza>
    <text-author>Неизвестный</text-author>
   </poem>
   <subtitle>* * *</subtitle>
   <p>См. <a l:href="http://example.org">здесь</a> &lt;и там&gt;.</p>
   <table><tr><th>Рыба</th><th>Вес</th></tr><tr><td>сом</td><td>пуд</td></tr></table>
  </section>
  <section><title><p>Глава вторая</p></title><p>Собака зевнула.</p></section>
 </body>
 <body name="notes"><section id="n1"><title><p>1</p></title><p>Примечание о тумане.</p></section>
 </body>
 <binary id="cover.png" content-type="image/png">iVBORw0KGgo=</binary>
</FictionBook>
"""
BOOK = """\
Иван Речной
Мельник и сом

Тише едешь — дальше будешь.

Пословица

Глава первая

Над рекою стоял густой туман; мельник вышел на крыльцо.

— Что же ты молчишь? — спросил он собаку.

Песня

Над полем тихий свет зари,
И в роще голос соловья;

Ты долго так не говори,
Что песня кончена моя.

Неизвестный

* * *

См. здесь <и там>.

Рыба Вес
сом пуд

Глава вторая

Собака зевнула."""

CONTAINER = """\
<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
 <rootfiles><rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/>
 </rootfiles>
</container>"""
PACKAGE = """\
<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">
 <metadata>
  <dc:title>Мельник и сом</dc:title><dc:creator>Иван Речной</dc:creator>
  <dc:creator>Пётр Лесной</dc:creator><dc:date>1887-03-01</dc:date><dc:date>2009</dc:date>
 </metadata>
 <manifest>
  <item id="two" href="text/two.xhtml" media-type="application/xhtml+xml"/>
  <item id="one" href="text/%D0%BE%D0%B4%D0%B8%D0%BD.xhtml" media-type="application/xhtml+xml"/>
  <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
  <item id="toc" href="toc.html" media-type="application/xhtml+xml"/>
  <item id="notes" href="notes.xhtml" media-type="application/xhtml+xml"/>
  <item id="cover" href="cover.png" media-type="image/png"/>
 </manifest>
 <spine><itemref idref="nav"/><itemref idref="toc"/><itemref idref="one"/><itemref idref="two"/>
  <itemref idref="notes" linear="no"/></spine>
 <guide><reference type="toc" href="toc.html"/><reference type="toc" href="text/two.xhtml#toc"/>
 </guide>
</package>"""
PAGE = """\
<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">
<head><title/><style>p {{ margin: 0 }}</style></head><body>{body}</body></html>"""
ONE = """\
<h1>Глава
первая</h1><!-- правка -->
<p>Над рекою стоял <i>густой</i> туман<sup><a epub:type="noteref" href="#n1">1</a></sup>;
мельник вышел на&#160;крыльцо<a href="../notes.xhtml#n2">[2]</a>.</p>
<div class="poem"><p>Над полем тихий свет зари,<br/>И в роще голос соловья;</p></div>
<aside epub:type="footnote" id="n1"><p>Примечание о тумане.</p></aside>
<p/>"""
TWO = "<h2>Глава вторая</h2><p>Собака&nbsp;зевнула.</p><ul><li>раз</li><li>два</li></ul>"
FILES = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "OPS/book.opf": PACKAGE,
    "OPS/nav.xhtml": PAGE.format(body="<nav><a href='text/two.xhtml'>Содержание</a></nav>"),
    "OPS/toc.html": PAGE.format(body="<p>Оглавление</p>"),
    "OPS/text/один.xhtml": PAGE.format(body=ONE),
    "OPS/text/two.xhtml": PAGE.format(body=TWO),
    "OPS/notes.xhtml": PAGE.format(body="<p>Второе примечание.</p>"),
    "OPS/cover.png": b"\x89PNG",
}
EPUB_TEXT = """\
Глава первая

Над рекою стоял густой туман; мельник вышел на крыльцо.

Над полем тихий свет зари,
И в роще голос соловья;

Глава вторая

Собака зевнула.

раз
два"""

TEI_HEADER = """\
<teiHeader><fileDesc><titleStmt><title type="sub">комедия</title><title type="main">Мельник</title>
<author><persName><forename>Иван</forename> <surname>Речной</surname></persName></author>
</titleStmt>
<publicationStmt><date when="2015-01-01"/></publicationStmt>
<sourceDesc><bibl><date when="1887-03-01">1 марта 1887</date></bibl></sourceDesc></fileDesc>
</teiHeader>"""
TEI = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<TEI xmlns="http://www.tei-c.org/ns/1.0">{TEI_HEADER}
<text><front><titlePage><docTitle>Мельник</docTitle></titlePage>
<castList><head>Действующие лица</head>
<castItem><role>Мельник</role>, <roleDesc>старик</roleDesc>.</castItem><castItem>Сом.</castItem>
</castList></front>
<body><div type="act"><head>Действие первое</head><stage>Берег реки.</stage>
<sp who="#m"><speaker>Мельник <stage>тихо</stage>.</speaker>
<p>Быть сегодня <stage>(смотрит на небо)</stage> дождю.<note>Так в рукописи.</note></p>
<p>И ветру.</p></sp>
<sp><speaker>Сом</speaker><l>Над полем тихий свет зари,</l><l>И в роще голос соловья;</l></sp>
<pb n="5"/><stage>Уходят.</stage></div></body></text></TEI>"""


def fb2(encoding: str = "utf-8") -> bytes:
    return FB2.replace("{encoding}", encoding).encode(encoding)


def epub(**changed: str | bytes | None) -> bytes:
    """The book; ``two="…"`` changes that file of it, and None takes it out."""
    names = {name.rsplit("/", 1)[-1].partition(".")[0]: name for name in FILES}
    files = FILES | {names[name]: content for name, content in changed.items()}
    return zip_bytes({name: content for name, content in files.items() if content is not None})
