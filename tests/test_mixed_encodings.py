"""Files whose parts are in different encodings."""

from __future__ import annotations

import random
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.sources.encodings import decode
from tests.counted import operations
from tests.files import PLAIN, PNG, as_file, documents
from tests.helpers import PROSE, VERSE, quick, story

LONG = PLAIN * 5
DISTINCT = ("utf-8", "cp1251", "koi8_r", "cp866", "iso8859_5", "cp855")


WIDE = [
    *(("utf-16", "cp1251"), ("utf-8", "utf-16"), ("cp1251", "utf-16"), ("koi8_r", "utf-16-le")),
    ("cp1251", "utf-8-sig"),
]


@pytest.mark.parametrize(("first", "last"), [*permutations(DISTINCT, 2), *WIDE])
def test_each_part_is_decoded_in_its_own_encoding(first, last):
    mended: list[str] = []
    data = LONG.encode(first) + b"\n" + (VERSE + LONG).encode(last)
    assert decode(data, mended).replace("\ufeff", "") == f"{LONG}\n{VERSE}{LONG}"
    assert len(mended) == 1 and mended[0].startswith("parts in different encodings (")


@pytest.mark.parametrize(
    "parts",
    [
        parts
        for parts in permutations(("utf-8", "cp1251", "koi8_r", "cp866"), 3)
        if "utf-8" in parts
    ],
)
def test_a_file_of_utf_8_and_two_other_encodings_is_read_whole(parts):
    mended: list[str] = []
    texts = [LONG, PLAIN + VERSE, f"{VERSE}\n{LONG}"]
    data = b"\n".join(text.encode(part) for text, part in zip(texts, parts, strict=True))
    assert decode(data, mended) == "\n".join(texts)
    (kind,) = mended
    assert all(part in kind for part in parts)


@pytest.mark.parametrize(
    ("most", "other"),
    [("utf-8", "cp1251"), ("cp1251", "utf-8"), ("cp1251", "cp866"), ("koi8_r", "cp1251")],
)
@pytest.mark.parametrize("every", [3, 20, 50])
def test_lines_of_another_encoding_anywhere_are_decoded(most, other, every):
    text = story(1, 3000).replace("—", "-").replace("«", '"').replace("»", '"').replace("…", "")
    lines = (text + "\n").splitlines(keepends=True)
    data = b"".join(
        line.encode(other if number % every == 1 else most) for number, line in enumerate(lines)
    )
    assert decode(data) == "".join(lines)


def test_both_encodings_may_be_in_one_line():
    text = "Старый мельник вышел на крыльцо, поглядел на небо и на реку. " * 20
    data = text.encode() + "Собака зевнула и побежала вперёд. ".encode("cp1251") + text.encode()
    assert decode(data) == text + "Собака зевнула и побежала вперёд. " + text


def test_broken_bytes_in_words_leave_the_rest_of_the_words():
    data = bytearray(LONG.encode())
    for position in range(500, len(data), 997):
        data[position] = 0xFF
    text = decode(bytes(data))
    assert 0.98 * len(LONG) < len(text) - text.count("\ufffd") <= len(LONG)
    assert not set(text) - set(LONG) - {"\ufffd"}


@quick
@given(cut=st.integers(0, len(LONG)), encoding=st.sampled_from(["cp1251", "koi8_r", "cp866"]))
def test_a_text_in_one_encoding_is_never_taken_for_two(cut, encoding):
    mended: list[str] = []
    text = LONG[cut:] + LONG[cut:].upper()
    assert decode(text.encode(encoding), mended) in (text, None)  # an empty one, or a few letters
    assert not mended


def test_zero_bytes_that_fill_up_a_file_are_no_text():
    mended: list[str] = []
    assert decode(PROSE.encode() + bytes(4096), mended) == PROSE
    assert mended == ["filled up with zero bytes"]
    assert decode(bytes(512) + PLAIN.encode("cp1251")) == PLAIN


@pytest.mark.parametrize("junk", [PNG, random.Random(1).randbytes(3000), bytes(range(256)) * 20])
def test_a_text_with_something_else_in_it_is_read_without_new_letters_or_not_at_all(junk):
    text = decode(LONG.encode() + junk)
    assert text is None or text.startswith(LONG)


def test_the_work_grows_with_the_text_and_no_faster():
    def work(times: int) -> int:
        data = (LONG.encode("cp1251") + LONG.encode("utf-8") + LONG.encode("cp866")) * times
        return operations(lambda: decode(data), "sources/")

    assert work(32) <= 1.2 * 4 * work(8)


def test_the_encodings_of_a_file_are_told(tmp_path, caplog):
    data = LONG.encode("cp1251") + LONG.encode()
    (document,) = documents(as_file(tmp_path / "a.txt", data), tmp_path / "raw")
    assert document.text == LONG * 2
    assert document.mended == ("parts in different encodings (cp1251, utf-8)",)
    assert any("different encodings (cp1251, utf-8): 1" in line for line in caplog.messages)
