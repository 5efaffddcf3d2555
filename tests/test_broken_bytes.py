"""Bytes that are no text, in every form: the place is seen in the text, told and counted."""

from __future__ import annotations

import io
import json
import logging

import polars as pl
import pytest

from femtogpt.artifacts.store import Store
from femtogpt.sources.encodings import BROKEN, HALVES, ODD_END, decode
from femtogpt.sources.interviews import Interviews
from femtogpt.sources.texts import Files
from femtogpt.sources.wiki import Wiki
from tests.books import epub
from tests.chats import vk, vk_page
from tests.cleaning import clean
from tests.files import as_folder, zip_bytes
from tests.helpers import PROSE, config, corpus_of, story
from tests.test_balance import comes_out, ledger, sums
from tests.wiki_pages import HEAD, TAIL, page

WORD = "сло\udcffво"  # with a byte that UTF-8 does not have
TEXT = f"{story(1)}\nОн сказал: {WORD}, и ушёл.\n{story(2)}"
LINES = [line for line in TEXT.replace("—", "").split("\n") if line]
SAID = [("Анна", "Пётр")[at % 2] for at in range(len(LINES))]
ROWS = [{"speaker": name, "text": line} for name, line in zip(SAID, LINES, strict=True)]
TALK = "\n".join(f"{name}: {line}" for name, line in zip(SAID, LINES, strict=True))
CUES = "\n".join(
    f"{at}\n00:{at:02}:00,000 --> 00:{at:02}:59,000\n{name}: {line}\n"
    for at, (name, line) in enumerate(zip(SAID, LINES, strict=True))
)
BODY = "".join(f"<p>{line}</p>" for line in TEXT.split("\n"))
FB2 = f"<FictionBook><body><section>{BODY}</section></body></FictionBook>"
CP1251 = HEAD.replace("<mediawiki", '<?xml version="1.0" encoding="cp1251"?>\n<mediawiki', 1)


def as_bytes(text: str, encoding: str = "utf-8") -> bytes:
    return text.encode(encoding, "surrogateescape")


def csv(rows: list[dict[str, str]]) -> str:
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)


def parquet(text: str) -> bytes:
    table = io.BytesIO()
    pl.DataFrame({"text": [as_bytes(text)]}).write_parquet(table)
    return table.getvalue()


def as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


FORMS = {
    "files a.txt": (Files, as_bytes(TEXT)),
    "files a.html": (Files, as_bytes(f"<html><body>{BODY}</body></html>")),
    "files a.fb2": (Files, as_bytes(FB2)),
    "files a.xml": (Files, as_bytes(FB2)),
    "files a.epub": (Files, epub(two=as_bytes(f"<html>{BODY}</html>"))),
    "files a.zip": (Files, zip_bytes({"a.txt": as_bytes(TEXT)})),
    "files a.csv": (Files, as_bytes(csv([{"text": TEXT}]))),
    "files a.json": (Files, as_bytes(as_json([{"text": TEXT}]))),
    "files a.jsonl": (Files, as_bytes(as_json({"text": TEXT}))),
    "files a.parquet": (Files, parquet(TEXT)),
    "interviews a.txt": (Interviews, as_bytes(TALK)),
    "interviews a.srt": (Interviews, as_bytes(CUES)),
    "interviews a.csv": (Interviews, as_bytes(csv(ROWS))),
    "interviews a.json": (Interviews, as_bytes(as_json(ROWS))),
    "interviews a.jsonl": (Interviews, as_bytes(as_json({"speaker": "Анна", "text": TEXT}))),
    "interviews messages0.html": (
        Interviews,
        vk_page([vk(1, "Вы, 12 мар 2024 в 10:00:10", f"Анна, слоЪЪво.{story(1, 40)}")]).replace(
            "ЪЪ".encode("cp1251"), b"\x98"
        ),
    ),
    "wiki a.wikitext": (Wiki, as_bytes(TEXT)),
    "wiki a.xml": (
        Wiki,
        as_bytes(CP1251 + page(1, "Статья", TEXT.replace("\udcff", "\udc98")) + TAIL, "cp1251"),
    ),
}


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


@pytest.mark.parametrize("form", FORMS)
def test_a_place_with_broken_bytes_is_seen_in_the_text_and_told(form, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    kind, data = FORMS[form]
    as_folder(tmp_path, {form.split()[1]: data})
    text = "\n".join(one.text for one in kind(path=tmp_path).documents(tmp_path))
    assert text.count("сло\ufffdво") == text.count("\ufffd") == 1
    for line in TEXT.split("\n") if "messages" not in form else []:
        assert letters(line) in letters(text)
    (told,) = [message for message in caplog.messages if BROKEN in message]
    assert f"{BROKEN}: 1" in told


def test_half_a_character_of_json_is_told(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    row = json.dumps({"speaker": "Анна", "text": f"Вот \ud83d так. {story(1)}"})
    talk = as_folder(tmp_path / "talk", {"a.jsonl": row})
    table = as_folder(tmp_path / "table", {"a.jsonl": row})
    for source in (Interviews(path=talk), Files(path=table)):
        (document,) = source.documents(source.path)
        assert "Вот \ufffd так." in document.text
    assert [f"{HALVES}: 1" in message for message in caplog.messages] == [True, True]


def test_each_place_is_noted_and_gets_one_mark():
    words, mended = PROSE.split(" "), []
    for at in (5, 20, 21):
        words[at] += "\udcff\udcc0\udc80"
    assert decode(as_bytes(" ".join(words)), mended).count("\ufffd") == 3
    assert mended == [BROKEN] * 3


def test_a_mark_that_a_source_has_itself_is_not_said_to_be_broken():
    mended = []
    text = PROSE.replace("мельник", "мель\ufffdик")
    assert decode(text.encode(), mended) == text
    assert decode(text.encode("utf-16"), mended) == text
    assert not mended


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16", "utf-32-be"])
def test_half_a_letter_at_the_end_of_a_wide_text_is_told(encoding):
    mended = []
    assert decode(PROSE.encode(encoding)[:-1], mended) == PROSE[:-1]
    assert mended == [ODD_END]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("сло\ufffdо", "сло\ufffdо"),
        ("\ufffdлово и дел\ufffd", "\ufffdлово и дел\ufffd"),
        ("с\ufffdов\ufffd\ufffd 1\ufffd.", "с\ufffdов\ufffd\ufffd 1\ufffd."),
        ("сло\u00ad\ufffd\u0301о, дела\u0301\ufffd", "сло\ufffd\u0301о, дела\u0301\ufffd"),
        ("Он \ufffd сказал: \ufffd\ufffd.", "Он  сказал: ."),
    ],
)
def test_the_mark_of_a_place_stays_only_in_a_word(text, kept):
    assert clean(text, "invisible") == kept


def test_places_that_could_not_be_decoded_are_counted_as_replaced(tmp_path):
    as_folder(tmp_path / "texts", {"a.txt": as_bytes(TEXT), "b.txt": story(3)})
    corpus = corpus_of(Store(tmp_path / "data"), config({"mine": Files(path=tmp_path / "texts")}))
    lines = ledger(corpus)
    assert lines.filter(replaced=1).select("id", "kind").rows() == [("a", "decoded")]
    assert comes_out(sums(corpus))
    assert corpus.counts["letters_replaced"] == 1
