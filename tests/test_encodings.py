"""Text from bytes in any encoding that Russian texts come in."""

from __future__ import annotations

import random
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.sources.encodings import ENCODINGS, decode, encoding_of
from femtogpt.sources.russian import russian
from tests.conftest import SHARED
from tests.files import APPLE, ELF, PLAIN, PNG
from tests.helpers import PROSE, VERSE, quick

CODECS = {"windows-1251-russian": "cp1251", "iso-8859-5-russian": "iso8859_5"}  # of folder names
BOARD = """\
╔════════════════╤═══════╗
║ Каталог        │ Объём ║
╟────────────────┼───────╢
║ СТИХИ          │ 12 кб ║
╚════════════════╧═══════╝
█▓▒░ Добро пожаловать на нашу станцию! ░▒▓█
"""
PAGE = (
    '<?xml version="1.0" encoding="utf-8"?><html><head>'
    '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r"><title>Сад</title></head>'
    '<body class="main"><div id="text"><p>Под окном росла старая яблоня.</p></div></body></html>'
)


@pytest.mark.parametrize("encoding", [*ENCODINGS, "utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize(
    "text",
    [PLAIN, PLAIN.replace("\n", "\r\n"), VERSE, PLAIN.upper()],
    ids=["prose", "Windows", "verse", "capitals"],
)
def test_russian_text_is_decoded_from_every_encoding_it_came_in(encoding, text):
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", [*ENCODINGS, "utf-8"])
def test_two_lines_are_enough(encoding):
    text = VERSE[:60]
    assert decode(text.encode(encoding)) == text


@quick
@given(st.integers(0, len(PLAIN) - 200), st.sampled_from(ENCODINGS))
def test_any_two_hundred_letters_are_enough(start, encoding):
    text = PLAIN[start : start + 200]
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["cp1251", "mac_cyrillic", "utf-8", "utf-16"])
def test_dashes_and_quotes_survive_the_encodings_that_have_them(encoding):
    assert decode(PROSE.encode(encoding)) == PROSE


@pytest.mark.parametrize("encoding", ["cp866", "koi8_r"])
def test_a_table_drawn_with_lines_hides_no_words(encoding):
    text = BOARD.encode(encoding, "replace").decode(encoding)
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_a_page_declares_does_not_count(encoding):
    assert decode(PAGE.encode(encoding)) == PAGE


def test_ukrainian_is_decoded_too():
    text = "Їхав козак за Дунай, сказав: дівчино, прощай! Ви, конику вороненький, несіть та гуляй."
    assert decode(text.encode("cp1251")) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_byte_too_many_at_the_end_costs_nothing(encoding, mark):
    text = decode((mark + PROSE).encode(encoding) + b"\n")
    assert text is not None and text.removeprefix("\ufeff") == PROSE


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", [PROSE, "Дата,Цена\r\n07/19/2015,1.083\r\n" * 9, "Да\n"])
def test_wide_encodings_are_told_without_their_mark(encoding, text):
    assert decode(text.encode(encoding)) == text


def test_utf_16_of_both_byte_orders_is_told_by_its_mark():
    assert decode(b"\xfe\xff" + PROSE.encode("utf-16-be")) == PROSE
    assert decode(b"\xff\xfe" + PROSE.encode("utf-16-le")) == PROSE


@pytest.mark.parametrize(
    "data",
    [
        PNG,
        ELF,
        APPLE,
        bytes(1000),
        bytes(range(1, 9)) * 50,
        random.Random(2).randbytes(64),
        random.Random(3).randbytes(5000),
        b"\xff\xfe" + random.Random(4).randbytes(5000),
        "C'est déjà l'été, à côté de la forêt.".encode("cp1252"),
        "日本語の文章です。".encode("shift_jis"),
    ],
    ids=[
        *("png", "elf", "apple", "nuls", "controls", "noise", "long noise", "utf-16 noise"),
        *("french", "japanese"),
    ],
)
def test_what_is_not_russian_text_is_not_read_as_such(data):
    assert decode(data) is None


@quick
@given(st.binary(min_size=64, max_size=300))
def test_random_bytes_are_no_text(data):
    text = decode(data)
    assert text is None or text.encode() == data  # they may happen to be ASCII


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "cp1251", "koi8_r"])
@pytest.mark.parametrize("junk", [b"", b"\xff", b"\x98", b"\xd0"])
def test_text_with_a_broken_byte_is_read_right_or_not_at_all(encoding, junk):
    data = PLAIN.encode(encoding)
    text = decode(data[:301] + junk + data[301:])
    if text is not None:  # two letters more at most, and no other letters than before
        assert len(text) - len(PLAIN) in (0, 1, 2)
        assert text[:140] == PLAIN[:140]
        assert text[-100:] == PLAIN[-100:]


@pytest.mark.parametrize("at", [0, 1])
def test_a_long_text_with_a_few_broken_bytes_is_kept_with_marks_in_their_place(at):
    data = (PROSE * 20).encode()
    position = data.index("мельник".encode()) + at
    text = decode(data[:position] + b"\xff" + data[position:])
    assert text.replace("\ufffd", "")[-1000:] == (PROSE * 20)[-1000:]
    assert 1 <= text.count("\ufffd") <= 3
    assert decode(data[:-1] if at else data[:-2])[:1000] == (PROSE * 20)[:1000]  # cut off


def test_a_byte_that_windows_does_not_have_changes_no_other_letter():
    data = PROSE.encode("cp1251")
    assert decode(data[:50] + b"\x98" + data[50:]) == PROSE[:50] + "\ufffd" + PROSE[50:]


@quick
@given(st.text())
def test_utf_8_is_read_as_it_is(text):
    data = text.encode()
    decoded = decode(data)
    if "\0" not in text and not text.startswith("\ufeff"):
        assert decoded is None or decoded == text
        if all(char.isprintable() or char in "\r\n\t" for char in text):
            assert decoded == text


def test_the_beginning_of_a_text_tells_its_encoding_wherever_it_is_cut():
    for encoding in (*ENCODINGS, "utf-16", "utf-16-be"):
        data = PLAIN.encode(encoding)
        for end in range(200, 240):
            assert data.decode(encoding_of(data[:end]), "replace")[:90] == PLAIN[:90]


@pytest.mark.parametrize("wrong", [name for name in ENCODINGS if name != "cp1251"])
def test_a_text_looks_more_russian_than_the_same_bytes_in_another_encoding(wrong):
    assert russian(PLAIN) > russian(PLAIN.encode("cp1251").decode(wrong)) + 0.5


def test_real_pages_in_every_encoding_are_decoded():
    path = SHARED / "messy" / "encodings.zip"
    if not path.is_file():
        pytest.skip(f"the pages are not at hand ({path})")
    with zipfile.ZipFile(path) as zipped:
        names = [name for name in zipped.namelist() if not name.endswith("/")]
        assert len(names) == 56
        for name in names:
            folder, file = name.split("/")[-2:]
            label = CODECS.get(folder, folder)
            label = file.removesuffix(".txt") if label == "uchardet" else label
            data = zipped.read(name)
            assert decode(data) == data.decode(label), name
