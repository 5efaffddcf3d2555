"""Reading .txt files: encodings, folders, archives, info.csv; the files source."""

from __future__ import annotations

import io
import os
import random
import shutil
import tarfile
import zipfile
from pathlib import Path
from string import ascii_uppercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.artifact import Store
from femtogpt.errors import UserError
from femtogpt.sources.encodings import ENCODINGS, decode
from femtogpt.sources.fetch import BYTES, fetch
from femtogpt.sources.texts import Files
from tests.helpers import PROSE, VERSE, quick

PLAIN = PROSE.replace("—", "-").replace("«", '"').replace("»", '"')  # what every encoding has
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\2\0\0\0\2\0\x08\6\0\0\0" + random.Random(0).randbytes(500)
ELF = b"\x7fELF\2\1\1" + bytes(9) + b"\2\0\x3e\0\1\0\0\0" + random.Random(1).randbytes(500)
APPLE = b"\0\x05\x16\x07\0\x02\0\0Mac OS X        " + bytes(60)  # what macOS puts into ._files
BROKEN_LIST = 'name,year\n"Дуэль,1891\n' + "Чайка,1896\n" * 12_000  # a quote is open
WORKS = {
    "проза/Чехов/Дуэль.txt": PROSE,
    "стихи/Пушкин/Осень.txt": VERSE,
    "Записка.txt": PLAIN,
}
READ = {name.removesuffix(".txt"): text for name, text in WORKS.items()}


def as_folder(path: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def as_zip(path: Path, files: dict[str, str | bytes], encoding: str | None = None) -> Path:
    """A zip; with an encoding, its names are in it and nothing says so."""
    names = {name: name.encode(encoding) if encoding else name for name in files}
    if encoding:  # written in Latin letters first: zipfile itself would set the flag for UTF-8
        names = {
            name: letter * len(names[name])
            for name, letter in zip(files, ascii_uppercase, strict=False)
        }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            zipped.writestr(names[name], content)
    if encoding:
        data = path.read_bytes()
        for name, letters in names.items():
            data = data.replace(letters.encode(), name.encode(encoding))
        path.write_bytes(data)
    return path


def as_tar(path: Path, files: dict[str, str | bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def read(path: Path, into: Path, **settings) -> dict[str, str]:
    """What the files source makes of a path: text by id."""
    source = Files(path=path, **settings)
    source.identity()
    into.mkdir()
    source.fetch(into)
    documents = list(source.documents(into))
    texts = {document.id: document.text for document in documents}
    assert len(texts) == len(documents), "two documents have the same id"
    return texts


# encodings


@pytest.mark.parametrize("encoding", [*ENCODINGS, "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "text", [PLAIN, PLAIN.replace("\n", "\r\n"), VERSE], ids=["prose", "Windows", "verse"]
)
def test_russian_text_is_decoded_from_every_encoding_it_came_in(encoding, text):
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["cp1251", "koi8_r", "cp866", "utf-8"])
def test_of_the_usual_encodings_two_lines_are_enough(encoding):
    text = VERSE[:60]
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["cp1251", "mac_cyrillic", "utf-8", "utf-16"])
def test_dashes_and_quotes_survive_the_encodings_that_have_them(encoding):
    assert decode(PROSE.encode(encoding)) == PROSE


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
        PROSE.encode("utf-16-le"),  # without its mark
    ],
    ids=[
        "png",
        "elf",
        "apple",
        "nuls",
        "controls",
        "noise",
        "long noise",
        "utf-16 noise",
        "no mark",
    ],
)
def test_what_is_not_text_is_not_read_as_text(data):
    assert decode(data) is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "cp1251", "koi8_r"])
@pytest.mark.parametrize("junk", [b"", b"\xff", b"\x98", b"\xd0"])
def test_text_with_a_broken_byte_is_read_right_or_not_at_all(encoding, junk):
    data = PLAIN.encode(encoding)
    text = decode(data[:300] + junk + data[300:])
    if text is not None:  # one letter more at most, and no other letters than before
        assert len(text) - len(PLAIN) in (0, 1)
        assert text[:140] == PLAIN[:140]
        assert text[-100:] == PLAIN[-100:]


@quick
@given(st.text())
def test_utf_8_is_read_as_it_is(text):
    data = text.encode()
    decoded = decode(data)
    if "\0" not in text and not text.startswith("\ufeff"):
        assert decoded is None or decoded == text
        if all(char.isprintable() or char in "\r\n\t" for char in text):
            assert decoded == text


# folders and archives


def test_a_folder_gives_its_texts_with_title_author_and_path(tmp_path):
    folder = as_folder(tmp_path / "texts", {**WORKS, "проза/Чехов/cover.png": PNG})
    (tmp_path / "raw").mkdir()
    source = Files(path=folder)
    source.fetch(tmp_path / "raw")

    found = [(doc.id, doc.title, doc.author) for doc in source.documents(tmp_path / "raw")]

    assert found == [
        ("Записка", "Записка", None),
        ("проза/Чехов/Дуэль", "Дуэль", "Чехов"),
        ("стихи/Пушкин/Осень", "Осень", "Пушкин"),
    ]


ARCHIVES = {
    "folder": lambda path: as_folder(path / "texts", WORKS),
    "zip": lambda path: as_zip(path / "texts.zip", WORKS),
    "zip in capitals": lambda path: as_zip(path / "TEXTS.ZIP", WORKS),
    "zip of Russian Windows": lambda path: as_zip(path / "texts.zip", WORKS, "cp866"),
    "zip without the flag for UTF-8": lambda path: as_zip(path / "t.zip", WORKS, "utf-8"),
    "tar": lambda path: as_tar(path / "texts.tar", WORKS, "w"),
    "tar.gz": lambda path: as_tar(path / "texts.tar.gz", WORKS),
    "tgz with ./": lambda path: as_tar(
        path / "texts.tgz", {f"./{name}": text for name, text in WORKS.items()}
    ),
    "tar.bz2": lambda path: as_tar(path / "texts.tar.bz2", WORKS, "w:bz2"),
    "tar.xz": lambda path: as_tar(path / "texts.tar.xz", WORKS, "w:xz"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_the_same_texts_are_read_from_a_folder_and_from_every_archive(kind, tmp_path):
    assert read(ARCHIVES[kind](tmp_path), tmp_path / "raw") == READ


@pytest.mark.parametrize("make", [as_folder, as_zip, as_tar])
def test_what_macos_adds_is_no_document(make, tmp_path):
    added = {"__MACOSX/проза/Чехов/._Дуэль.txt": APPLE, "проза/Чехов/._Дуэль.txt": APPLE}
    place = {as_folder: "texts", as_zip: "texts.zip", as_tar: "texts.tar.gz"}[make]
    assert read(make(tmp_path / place, {**WORKS, **added}), tmp_path / "raw") == READ


@pytest.mark.parametrize("make", [as_folder, as_zip])
def test_two_files_whose_names_differ_in_the_ending_are_two_documents(make, tmp_path):
    place = {as_folder: "texts", as_zip: "texts.zip"}[make]
    files = {"Дуэль.txt": PROSE, "Дуэль.TXT": VERSE}
    texts = read(make(tmp_path / place, files), tmp_path / "raw")
    assert sorted(texts.values()) == sorted(files.values())


def test_names_in_an_old_encoding_stop_no_one(tmp_path):
    """Unpacked on Linux, an old archive leaves names that are not UTF-8."""
    folder = tmp_path / "texts"
    folder.mkdir()
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + "Дуэль.txt".encode("cp866"))).write_text(
            PROSE
        )
    except OSError:
        pytest.skip("this file system takes names in UTF-8 alone")
    assert list(read(folder, tmp_path / "raw").values()) == [PROSE]
    fetch(Store(tmp_path / "data"), "mine", Files(path=folder))


def test_a_tar_with_names_in_an_old_encoding_gives_names_that_can_be_written(tmp_path):
    with tarfile.open(tmp_path / "t.tar", "w", format=tarfile.GNU_FORMAT, encoding="cp866") as tar:
        info = tarfile.TarInfo("Чехов/Дуэль.txt")
        info.size = len(PROSE.encode())
        tar.addfile(info, io.BytesIO(PROSE.encode()))
    (name,) = read(tmp_path / "t.tar", tmp_path / "raw")
    name.encode()  # in Parquet and JSON


# info.csv


@pytest.mark.parametrize(
    ("row", "year"),
    [
        ("Дуэль,1891", 1891),
        ("дуэль,1891", 1891),
        ("«Дуэль!»,1891", 1891),
        ("Дуэль,1890-1891", 1891),
        ('"Дуэль","1891 г."', 1891),
        ("Дуэль,", None),
        ("Дуэль", None),
        ("Чайка,1896", None),
    ],
)
def test_info_csv_gives_the_year_in_spite_of_case_and_punctuation(row, year, tmp_path):
    files = {"Чехов/Дуэль.txt": PROSE, "Чехов/info.csv": f"name,year\n{row}\n"}
    source = Files(path=as_folder(tmp_path / "texts", files))
    (document,) = source.documents(source.path)
    assert document.year == year


def test_info_csv_counts_for_its_own_folder_and_for_names_with_ё(tmp_path):
    files = {
        "А/Ёлка.txt": PROSE,
        "А/info.csv": "\ufeffname,year\nЕлка,1872\n",
        "Б/Ёлка.txt": VERSE,
        "Б/info.csv": "year,name\n1911,ЁЛКА.\n",
        "В/Ёлка.txt": VERSE,
    }
    source = Files(path=as_zip(tmp_path / "texts.zip", files))
    (tmp_path / "raw").mkdir()
    source.fetch(tmp_path / "raw")
    years = {document.author: document.year for document in source.documents(tmp_path / "raw")}
    assert years == {"А": 1872, "Б": 1911, "В": None}


@pytest.mark.parametrize(
    "content", [PNG, "", "name\n", BROKEN_LIST], ids=["png", "empty", "no year", "open quote"]
)
def test_an_info_csv_that_cannot_be_used_stops_nothing(content, tmp_path):
    source = Files(path=as_folder(tmp_path / "t", {"info.csv": content, "Дуэль.txt": PROSE}))
    (document,) = source.documents(source.path)
    assert document.year is None


# files that are not text


def test_where_it_is_asked_for_a_file_that_is_not_text_stops_and_is_named(tmp_path):
    folder = as_folder(tmp_path / "texts", {**WORKS, "проза/обложка.txt": PNG})
    with pytest.raises(UserError, match=r"проза/обложка\.txt is not text.*not_text=reject"):
        read(folder, tmp_path / "raw", not_text="stop")


def test_rejecting_files_that_are_not_text_gives_them_without_text(tmp_path):
    folder = as_folder(tmp_path / "texts", {**WORKS, "проза/обложка.txt": PNG})
    texts = read(folder, tmp_path / "raw", not_text="reject")
    assert texts == {**READ, "проза/обложка": ""}


# what is no source


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


NO_SOURCE = {
    "missing": (lambda path: path / "nowhere", "no such file or folder"),
    "missing zip": (lambda path: path / "nowhere.zip", "no such file or folder"),
    "empty folder": (lambda path: path, "no .txt file"),
    "folder without texts": (lambda path: as_folder(path / "t", {"a.png": PNG}), "no .txt file"),
    "folder with a list alone": (
        lambda path: as_folder(path / "t", {"info.csv": "name,year\n"}),
        "no .txt file",
    ),
    "zip without texts": (lambda path: as_zip(path / "t.zip", {"a.png": PNG}), "no .txt file"),
    "empty zip": (lambda path: as_zip(path / "t.zip", {}), "no .txt file"),
    "text": (lambda path: as_folder(path, {"a.txt": PROSE}) / "a.txt", ".zip"),
    "text called zip": (lambda path: as_folder(path, {"a.zip": PROSE}) / "a.zip", "not an archive"),
    "empty file called zip": (
        lambda path: as_folder(path, {"a.zip": ""}) / "a.zip",
        "not an archive",
    ),
    "text called tar.gz": (
        lambda path: as_folder(path, {"a.tar.gz": PROSE}) / "a.tar.gz",
        "not an archive",
    ),
    "zip cut off": (lambda path: cut(as_zip(path / "t.zip", WORKS), 0.9), "whole copy"),
    "tar.gz cut off": (lambda path: cut(as_tar(path / "t.tar.gz", WORKS), 0.7), "whole copy"),
    "tar cut off": (lambda path: cut(as_tar(path / "t.tar", WORKS, "w"), 0.2), "whole copy"),
}


@pytest.mark.parametrize("case", NO_SOURCE)
def test_what_is_no_source_is_told_in_one_line_with_its_path(case, tmp_path):
    make, named = NO_SOURCE[case]
    (tmp_path / "given").mkdir()
    path = make(tmp_path / "given")
    with pytest.raises(UserError) as refused:
        read(path, tmp_path / "raw")
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("make", [as_zip, as_tar])
def test_a_damaged_archive_is_never_read_as_something_else(make, tmp_path):
    name = {as_zip: "t.zip", as_tar: "t.tar.gz"}[make]
    whole = make(tmp_path / name, {"Чехов/Дуэль.txt": PROSE * 3}).read_bytes()
    draw = random.Random(0)
    told = 0
    for number in range(60):
        data = bytearray(whole)
        for _ in range(draw.choice((1, 3))):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        (tmp_path / name).write_bytes(data)
        try:
            texts = read(tmp_path / name, tmp_path / f"raw{number}")
        except UserError:
            told += 1
        else:  # a bit of a time or a name
            assert list(texts.values()) == [PROSE * 3]
    assert told > 30


# the files source


@pytest.mark.parametrize("make", [as_folder, as_zip])
def test_a_moved_source_is_the_same_and_an_edited_one_is_not(make, tmp_path):
    name = {as_folder: "texts", as_zip: "texts.zip"}[make]
    (tmp_path / "elsewhere").mkdir()
    here = Files(path=make(tmp_path / name, WORKS))
    identity = here.identity()

    there = Files(path=shutil.move(here.path, tmp_path / "elsewhere"))
    assert there.identity() == identity

    edited = make(tmp_path / name, {**WORKS, "Записка.txt": PLAIN + "!"})
    assert Files(path=edited).identity() != identity


def test_a_renamed_or_added_text_makes_another_source_and_a_picture_does_not(tmp_path):
    source = Files(path=as_folder(tmp_path / "texts", WORKS))
    first = source.identity()
    as_folder(source.path, {"обложка.png": PNG})
    assert source.identity() == first
    (source.path / "Записка.txt").rename(source.path / "Письмо.txt")
    renamed = source.identity()
    as_folder(source.path, {"info.csv": "name,year\nПисьмо,1901\n"})
    assert len({str(identity) for identity in (first, renamed, source.identity())}) == 3


def test_fetched_bytes_are_kept_as_they_came_and_fetched_once(tmp_path):
    store = Store(tmp_path / "data")
    source = Files(path=as_folder(tmp_path / "texts", {"А/я.txt": PROSE.encode("cp1251")}))

    raw = fetch(store, "mine", source)
    again = fetch(store, "by another name", source)

    assert (raw.path / BYTES / "А/я.txt").read_bytes() == PROSE.encode("cp1251")
    assert raw.counts["files"] == 1
    assert raw.counts["bytes"] == len(PROSE)
    assert again == raw
    assert not again.made


def test_weight_and_place_do_not_count_as_reading_but_rules_do(tmp_path):
    source = Files(path=tmp_path, rules=("spaces",))
    assert source.reading() == Files(path=tmp_path / "x", rules=("spaces",), weight=3).reading()
    assert source.reading() != Files(path=tmp_path, rules=("dashes",)).reading()
    assert source.reading() != Files(path=tmp_path, rules=("spaces",), not_text="stop").reading()
