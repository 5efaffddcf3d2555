"""Dumps that are cut off, damaged, compressed or in other encodings."""

from __future__ import annotations

import bz2
import gzip
import io
import logging
import lzma
import random
import re
import sys
import tracemalloc
import zipfile
from functools import cache
from pathlib import Path

import py7zr
import pytest

from femtogpt.errors import UserError
from femtogpt.sources.compressed import zstd
from femtogpt.sources.wiki.dump import (
    MAX_PAGE_BYTES,
    SHORTEN_AFTER_BYTES,
    Dump,
    newest_revision_only,
)
from femtogpt.sources.wiki.dump_bytes import DumpBytes
from tests.files import as_tar, zip_bytes
from tests.helpers import story
from tests.wiki_pages import HEAD, TAIL, article, dump, page, read, revision

PAGES = [article(number) for number in range(1, 9)]
DUMP = dump(*PAGES)
COMPRESSORS = {"bz2": bz2.compress, "xz": lzma.compress, "gz": gzip.compress, "zst": zstd.compress}


def as_7z(data: bytes, name: str = "dump.xml", filters: list[dict] | None = None) -> bytes:
    archive = io.BytesIO()
    with py7zr.SevenZipFile(archive, "w", filters=filters) as packed:
        packed.writestr(data, name)
    return archive.getvalue()


@cache
def incompressible(count: int) -> list[str]:
    """Pages that do not fit into one block of a compressor."""
    draw = random.Random(0)
    letters = "абвгдежзийклмнопрстуфхцчшщъыьэюя ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [
        page(number, f"Статья {number}", "".join(draw.choices(letters, k=20_000)))
        for number in range(1, count + 1)
    ]


@cache
def compressed(kind: str) -> bytes:
    """A dump of several blocks."""
    return COMPRESSORS[kind](dump(*incompressible(60)))


def numbers(documents) -> list[str]:
    return [document.id for document in documents]


@pytest.mark.parametrize("kind", ["", *COMPRESSORS, "7z"])
def test_a_dump_is_read_however_it_is_compressed(tmp_path: Path, kind, caplog):
    data = {"": DUMP, "7z": as_7z(DUMP)}.get(kind) or COMPRESSORS[kind](DUMP)
    name = {"": "a.xml", "7z": "a.7z"}.get(kind, f"a.xml.{kind}")
    assert read({name: data}, tmp_path) == read({"a.xml": DUMP}, tmp_path / "plain")
    assert not caplog.records


def test_a_dump_of_many_streams_is_read_whole(tmp_path: Path):
    parts = [HEAD.encode(), *(part.encode() for part in PAGES), TAIL.encode()]
    data = b"".join(bz2.compress(part) for part in parts)
    assert numbers(read({"a.xml.bz2": data}, tmp_path)) == [str(n) for n in range(1, 9)]


def test_a_dump_in_a_zip_is_read(tmp_path: Path):
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("ruwiki.xml.bz2", bz2.compress(DUMP))
        archive.writestr("README.md", "О данных")
    assert len(read({"a.zip": zipped.getvalue()}, tmp_path)) == len(PAGES)


def test_an_archive_that_cannot_be_read_is_a_fault_and_the_dump_beside_it_is_read(tmp_path: Path):
    files = {"a.xml": DUMP, "b.zip": zip_bytes({"a.xml": DUMP})[:-30], "c.tar.gz": b"x"}
    found = read(files, tmp_path)
    assert numbers(found) == [*map(str, range(1, 9)), "b.zip", "c.tar.gz"]
    assert all(document.fault for document in found[8:])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "koi8-r"])
def test_a_dump_is_read_in_the_encoding_that_it_says(tmp_path: Path, encoding):
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>\n'
    data = (declaration + DUMP.decode()).encode(encoding, "xmlcharrefreplace")
    assert read({"a.xml": data}, tmp_path) == read({"a.xml": DUMP}, tmp_path / "plain")


def test_a_truncated_dump_gives_every_whole_page_and_says_where_it_ends(tmp_path: Path, caplog):
    """Cut everywhere: within tags, within letters of two bytes, between pages."""
    ends = [found.end() for found in re.finditer(b"</page>", DUMP)]
    first = DUMP.index(b"<page>")
    cuts = {*range(first, len(DUMP) - len(TAIL), 97), *ends, *(end - 1 for end in ends)}
    for cut in sorted(cuts):
        found = Dump(iter([DUMP[:cut]]), [])
        complete = sum(end <= cut for end in ends)
        assert len(list(found.pages())) == complete, cut
        assert not found.is_complete
        assert found.last_title == (f"Статья {complete}" if complete else None)
    data = DUMP[: ends[4] + 100]
    assert numbers(read({"a.xml": data}, tmp_path)) == ["1", "2", "3", "4", "5"]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "«Статья 5»" in record.message and f"byte {len(data):,}" in record.message


@pytest.mark.parametrize("tenths", [5, pytest.param(8, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", COMPRESSORS)
def test_a_truncated_dump_in_an_archive_gives_what_it_gives_beside_one(
    tmp_path: Path, kind, tenths
):
    data = compressed(kind)
    cut = {f"a.xml.{kind}": data[: len(data) * tenths // 10]}
    beside = read(cut, tmp_path / "beside")
    assert len(beside) > 10
    tar = as_tar(tmp_path / "a.tar", cut).read_bytes()
    for name, archive in (("a.zip", zip_bytes(cut)), ("a.tar", tar)):
        assert read({name: archive}, tmp_path / f"in {name}") == beside


@pytest.mark.parametrize("size", [1, 7, 1000, 10**6])
def test_pages_do_not_depend_on_the_pieces_that_come(size):
    pieces = (DUMP[start : start + size] for start in range(0, len(DUMP), size))
    found = Dump(pieces, [])
    assert list(found.pages()) == list(Dump(iter([DUMP]), []).pages())
    assert found.is_complete


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_a_truncated_compressed_dump_gives_all_that_precedes_the_cut(tmp_path: Path, kind, caplog):
    data = compressed(kind)
    decompressor = {"bz2": bz2.BZ2Decompressor, "xz": lzma.LZMADecompressor}.get(kind)
    for part in (5, 8):
        cut = data[: len(data) * part // 10]
        (tmp_path / "cut").write_bytes(cut)
        with (tmp_path / "cut").open("rb") as stream:
            pieces = DumpBytes(stream)
            found = b"".join(pieces)
        assert pieces.fault == "it is cut off"
        if decompressor:
            assert found == decompressor().decompress(cut)
        documents = read({f"a.xml.{kind}": cut}, tmp_path / str(part))
        assert numbers(documents) == [str(n + 1) for n in range(found.count(b"</page>"))]
        assert documents and f"byte {len(cut):,}, after the page «" in caplog.messages[-1]


@pytest.mark.parametrize("kind", ["bz2", "xz", "7z"])
def test_of_a_dump_damaged_in_the_middle_the_pages_before_are_read(tmp_path: Path, kind, caplog):
    count = 120 if kind == "7z" else 60  # several blocks of each
    data = bytearray(as_7z(dump(*incompressible(count))) if kind == "7z" else compressed(kind))
    middle = len(data) * 7 // 10
    data[middle : middle + 1000] = bytes(1000)
    documents = read({"a." + ("7z" if kind == "7z" else f"xml.{kind}"): bytes(data)}, tmp_path)
    found = numbers(documents)
    assert 5 < len(found) < count
    assert found == [str(n + 1) for n in range(len(found))]
    assert not any(document.fault for document in documents)
    (message,) = caplog.messages
    assert f"«Статья {len(found)}»: it is damaged" in message


WAYS = {
    "lzma2": [{"id": py7zr.FILTER_LZMA2, "preset": 7}],
    "lzma": [{"id": py7zr.FILTER_LZMA, "preset": 7}],
    "bzip2": [{"id": py7zr.FILTER_BZIP2}],
    "stored": [{"id": py7zr.FILTER_COPY}],
}


@pytest.mark.parametrize("way", ["lzma2", "lzma"])
def test_of_a_7z_archive_that_is_cut_off_all_that_precedes_the_cut_is_read(tmp_path, way, caplog):
    original = dump(*incompressible(60))
    data = as_7z(original, filters=WAYS[way])
    for part in (4, 9):
        cut = data[: len(data) * part // 10]
        documents = read({"a.xml.7z": cut}, tmp_path / str(part))
        assert numbers(documents) == [str(n + 1) for n in range(len(documents))]
        assert abs(len(documents) - 6 * part) <= 2  # tenths of the bytes are those of the pages
        assert f"after the page «Статья {len(documents)}»: it is cut off" in caplog.messages[-1]


@pytest.mark.parametrize("way", WAYS)
def test_a_7z_archive_that_is_cut_off_anywhere_never_stops_with_more_than_a_line(tmp_path, way):
    data = as_7z(DUMP, filters=WAYS[way])
    for length in [*range(6, len(data), 197), len(data) - 1]:
        try:
            documents = read({"a.7z": data[:length]}, tmp_path / str(length))
        except UserError as error:
            assert re.match(r"a\.7z cannot be read \(it is cut off\)", str(error))
        else:
            assert numbers(documents) == [str(n + 1) for n in range(len(documents))]


@pytest.mark.parametrize("kind", ["xz", "7z"])
def test_a_file_of_which_nothing_can_be_read_is_rejected_with_its_reason(tmp_path: Path, kind):
    data = as_7z(DUMP) if kind == "7z" else lzma.compress(DUMP)
    name = f"b.{'xml.xz' if kind == 'xz' else '7z'}"
    documents = read({"a.xml": DUMP, name: data[:20]}, tmp_path)
    assert [d.id for d in documents if d.fault] == [name]
    assert len(documents) == len(PAGES) + 1


def test_random_damage_never_stops_the_reading(tmp_path: Path, caplog):
    draw = random.Random(1)
    for number in range(60):
        data = bytearray(DUMP)
        for _ in range(draw.choice([1, 5, 50])):
            position = draw.randrange(DUMP.index(b"<page>"), len(data))
            data[position : position + draw.choice([1, 3])] = draw.randbytes(draw.choice([0, 1, 5]))
        documents = read({"a.xml": bytes(data)}, tmp_path / str(number))
        ids = numbers(documents)
        assert len(ids) == len(set(ids))
        assert all(document.text or document.fault for document in documents)
        assert len(documents) <= len(PAGES) + 2


def test_a_page_without_an_end_is_told_and_the_next_is_read(tmp_path: Path):
    data = DUMP.replace(b"</page>", b"</pfge>", 1)
    first, second, *_ = read({"a.xml": data}, tmp_path)
    assert (first.id, first.fault) == ("1", "the dump is damaged within this page")
    assert (second.id, second.fault) == ("2", None)


def test_a_7z_dump_without_the_library_for_it_says_what_to_install(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "py7zr", None)
    monkeypatch.delitem(sys.modules, "femtogpt.sources.wiki.sevenzip", raising=False)
    monkeypatch.delattr("femtogpt.sources.wiki.sevenzip", raising=False)
    with pytest.raises(UserError, match=r"^a\.7z cannot be read .*pip install 'femtogpt\[7z\]'"):
        read({"a.7z": as_7z(DUMP)}, tmp_path)


NOISE = random.Random(2).randbytes(9999)


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", "Просто текст".encode(), NOISE])
def test_what_is_no_dump_is_told(tmp_path: Path, data):
    with pytest.raises(UserError, match=r"a\.xml: it is not a MediaWiki dump") as caught:
        read({"a.xml": data}, tmp_path)
    assert "\n" not in str(caught.value)


def test_an_unknown_encoding_is_told(tmp_path: Path):
    data = b'<?xml version="1.0" encoding="x-nonsense"?>' + DUMP
    with pytest.raises(UserError, match="unknown encoding, x-nonsense"):
        read({"a.xml": data}, tmp_path)


def test_of_a_pages_revisions_the_newest_is_read(tmp_path: Path):
    pages = page(1, "Дом", "Старое.", "Новое.", "Новейшее.") + page(2, "Сад", "Один.")
    shuffled = page(3, "Лес").replace(
        "  </page>",
        revision("Новое.", "2020-05-01T00:00:00Z") + revision("Старое.", "2019-05-01T00:00:00Z")
        + "  </page>",
    )  # fmt: skip
    documents = read({"a.xml": dump(pages, shuffled)}, tmp_path)
    assert [document.text for document in documents] == ["Новейшее.", "Один.", "Новое."]


def endless(size: int):
    """A dump as pieces, made as they are asked for."""
    yield HEAD.encode()
    part = "".join(article(number, 1000) for number in range(20)).encode()
    for _ in range(size // len(part)):
        yield part
    yield TAIL.encode()


def history(size: int):
    """A dump of one page with ever more revisions."""
    yield HEAD.encode() + page(1, "Дом").replace("  </page>\n", "").encode()
    for number in range(size // 200_000):
        time = f"{2000 + number // 12}-{number % 12 + 1:02}-01T00:00:00Z"
        yield revision(f"Правка {number}. {story(1, 15_000)}", time).encode()
    yield b"  </page>\n" + TAIL.encode()


def peak(pieces) -> tuple[int, list[bytes]]:
    last: list[bytes] = []
    tracemalloc.start()
    for found in Dump(pieces, []).pages():
        last = [found]
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return size, last


def test_memory_does_not_grow_with_the_dump():
    assert peak(endless(40_000_000))[0] < SHORTEN_AFTER_BYTES


def test_memory_does_not_grow_with_a_pages_history():
    size, (found,) = peak(history(30_000_000))
    assert size < 6 * SHORTEN_AFTER_BYTES
    assert f"Правка {30_000_000 // 200_000 - 1}." in found.decode()
    assert found.count(b"<revision>") == 1


def test_a_page_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr("femtogpt.sources.wiki.dump.MAX_PAGE_BYTES", MAX_PAGE_BYTES // 8)
    pieces = [
        HEAD.encode(),
        b"<page><title>A</title>",
        *[b"x" * SHORTEN_AFTER_BYTES] * 5,
        b"</page>",
    ]
    broken, intact = Dump(iter([*pieces, article(2).encode(), TAIL.encode()]), []).pages()
    assert not broken.endswith(b"</page>")
    assert "Статья 2" in intact.decode()


def test_a_page_of_one_revision_stays_as_it_is():
    data = PAGES[0].encode()
    assert newest_revision_only(data) == data
