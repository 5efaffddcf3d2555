"""Pages and books in files called .txt."""

from __future__ import annotations

import pytest

from tests.files import PLAIN as PROSE
from tests.files import as_file as file
from tests.files import documents

BOOK = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0"><description><title-info>'
    "<book-title>Лес</book-title></title-info></description><body><section><p>Раз.</p><p>Два.</p>"
    "</section></body></FictionBook>"
)
TEI = "<TEI><text><body><p>Раз.</p><p>Два.</p></body></text></TEI>"


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "koi8-r"])
@pytest.mark.parametrize(
    "content",
    [
        f"<html><head><title>Лес</title></head><body><p>{PROSE}</p><p>Два.</p></body></html>",
        f"\n<!DOCTYPE html>\n<body><p>{PROSE}<p>Два.</body>",
        f"<!-- из библиотеки -->\n<HTML><pre>{PROSE}\n\nДва.</pre></HTML>",
        BOOK.replace("Раз.", PROSE),
        BOOK.replace("Раз.", PROSE).replace("</section>", ""),
        TEI.replace("Раз.", PROSE),
    ],
    ids=["page", "doctype", "pre", "fb2", "damaged fb2", "tei"],
)
def test_they_are_read_as_what_they_are(tmp_path, content, encoding):
    path = file(tmp_path / "Лес.txt", content.encode(encoding))
    (document,) = documents(path, tmp_path / "raw")
    assert document.text.split("\n\n")[-1] == "Два."
    assert document.text.startswith(PROSE[:20])
    assert "<" not in document.text
    assert document.title == "Лес"
    assert any(".txt" in kind for kind in document.mended)


@pytest.mark.parametrize(
    "text",
    [
        f"Страница начинается с <html>, и это знают все.\n{PROSE}",
        f"<так в рукописи>\n{PROSE}",
        f"<p>{PROSE}</p>",
        "<html></html>",
        "<TEI>" * 3,
        "<FictionBook><body></body></FictionBook>",
    ],
)
def test_other_text_stays_as_it_is(tmp_path, text):
    (document,) = documents(file(tmp_path / "a.txt", text), tmp_path / "raw")
    assert document.text == text
    assert not document.mended
