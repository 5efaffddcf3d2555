"""What of this machine's files is copied, and what is said where they cannot be read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from femtogpt.artifacts.store import Store
from femtogpt.errors import UserError
from femtogpt.sources import local
from femtogpt.sources.fetch import BYTES, fetch
from femtogpt.sources.member_names import safe_path
from femtogpt.sources.texts import Files
from tests.files import (
    COMPRESS,
    PLAIN,
    PNG,
    WORKS,
    as_file,
    as_folder,
    as_tar,
    as_zip,
    cut,
    documents,
    read,
)
from tests.helpers import PROSE, VERSE

NO_SOURCE = {
    "missing": (lambda path: path / "nowhere", "no such file or folder"),
    "missing zip": (lambda path: path / "nowhere.zip", "no such file or folder"),
    "missing text": (lambda path: path / "nowhere.txt", "no such file or folder"),
    "empty folder": (lambda path: path, ".txt"),
    "folder without texts": (lambda path: as_folder(path / "t", {"a.png": PNG}), ".txt"),
    "folder with a list alone": (
        lambda path: as_folder(path / "t", {"info.csv": "name,year\n"}),
        ".txt",
    ),
    "zip without texts": (lambda path: as_zip(path / "t.zip", {"a.png": PNG}), ".txt"),
    "empty zip": (lambda path: as_zip(path / "t.zip", {}), ".txt"),
    "picture": (lambda path: as_file(path / "a.png", PNG), "not a file of a known kind"),
    "something compressed": (lambda path: as_file(path / "a.gz", PNG), "known kind"),
    "text called zip": (lambda path: as_file(path / "a.zip", PROSE), "not an archive"),
    "empty file called zip": (lambda path: as_file(path / "a.zip", ""), "not an archive"),
    "text called tar.gz": (lambda path: as_file(path / "a.tar.gz", PROSE), "not an archive"),
    "zip cut off": (lambda path: cut(as_zip(path / "t.zip", WORKS), 0.9), "whole copy"),
    "tar.gz cut off": (lambda path: cut(as_tar(path / "t.tar.gz", WORKS), 0.7), "whole copy"),
    "tar cut off": (lambda path: cut(as_tar(path / "t.tar", WORKS), 0.2), "whole copy"),
}


@pytest.mark.parametrize("case", NO_SOURCE)
def test_what_is_no_source_is_told_in_one_line_with_its_path(case, tmp_path):
    make, message = NO_SOURCE[case]
    (tmp_path / "given").mkdir()
    path = make(tmp_path / "given")
    with pytest.raises(UserError) as refused:
        read(path, tmp_path / "raw")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["Дуэль.txt", "Дуэль.TXT", "Дуэль.txt.gz", "Дуэль.html"])
def test_a_path_may_be_a_single_file(name, tmp_path):
    content = COMPRESS[".gz"](PROSE.encode()) if name.endswith(".gz") else PROSE
    (text,) = read(as_file(tmp_path / name, content), tmp_path / "raw").values()
    assert text.split() == PROSE.split()


def test_only_what_is_read_is_copied(tmp_path):
    wanted = ["a.txt", "b.FB2", "c.txt.gz", "d/e.zip", "d/f.tar.zst", "g.jsonl.bz2", "Info.csv"]
    other = ["a.png", "b.txt~", "c.gz", "d/._e.txt", "f.rar", "README"]
    folder = as_folder(tmp_path / "t", dict.fromkeys(wanted + other, "x"))
    assert sorted(local.wanted(folder, Files.formats.keys())) == sorted(wanted)
    (tmp_path / "raw").mkdir()
    local.fetch(folder, Files.formats.keys(), tmp_path / "raw")
    copied = [path for path in (tmp_path / "raw").rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "raw").as_posix() for path in copied} == set(wanted)
    assert not any(path.samefile(folder / path.relative_to(tmp_path / "raw")) for path in copied)


# links and files that cannot be read


def test_files_of_kinds_that_are_not_read_are_told_once_by_their_endings(tmp_path, caplog):
    names = ["а.txt", "info.csv", "б.pdf", "п/В.PDF", "г.djvu", "Makefile", ".DS_Store", "._а.txt"]
    folder = as_folder(tmp_path / "texts", dict.fromkeys(names, PROSE))
    (tmp_path / "raw").mkdir()
    Files(path=folder).fetch(tmp_path / "raw")
    (line,) = caplog.messages
    assert line.startswith(f"{folder}: files of other kinds are left out: .pdf 2, ")
    assert ".djvu 1" in line and "no ending 1" in line and "DS_Store" not in line
    caplog.clear()
    (tmp_path / "again").mkdir()
    Files(path=folder / "а.txt").fetch(tmp_path / "again")
    assert not caplog.messages


def test_links_are_followed_and_circles_of_them_are_walked_once(tmp_path):
    folder = as_folder(tmp_path / "t", {"А/а.txt": PROSE})
    elsewhere = as_folder(tmp_path / "elsewhere", {"б.txt": VERSE})
    (folder / "Б").symlink_to(elsewhere, target_is_directory=True)
    (folder / "А" / "circle").symlink_to(folder, target_is_directory=True)
    (elsewhere / "circle").symlink_to(folder / "А", target_is_directory=True)
    assert sorted(read(folder, tmp_path / "raw").values()) == sorted([PROSE, VERSE])


@pytest.mark.parametrize("target", ["nowhere.txt", "b.txt"])
def test_a_link_to_nothing_or_to_itself_is_told(target, tmp_path):
    folder = as_folder(tmp_path / "t", {"a.txt": PROSE})
    (folder / "b.txt").symlink_to(folder / target)
    with pytest.raises(UserError, match=r"b\.txt .*link"):
        read(folder, tmp_path / "raw")


def test_what_is_no_file_in_spite_of_its_name_is_passed_over(tmp_path):
    folder = as_folder(tmp_path / "t", {"a.txt": PROSE, "b.txt/c.txt": VERSE})
    os.mkfifo(folder / "d.txt")
    (folder / "e.txt").symlink_to(folder / "d.txt")
    assert read(folder, tmp_path / "raw") == {"a": PROSE, "b.txt/c": VERSE}


@pytest.mark.parametrize("what", ["a.txt", "А"])
def test_a_file_or_folder_that_may_not_be_read_is_told(what, tmp_path, monkeypatch):
    folder = as_folder(tmp_path / "t", {"a.txt": PROSE, "А/b.txt": VERSE})
    (folder / what).chmod(0)
    try:
        if os.access(folder / what, os.R_OK):  # root may read everything
            refuse_to_read(folder / what, monkeypatch)
        with pytest.raises(UserError) as refused:
            read(folder, tmp_path / "raw")
    finally:
        (folder / what).chmod(0o700)
    assert str(folder / what) in str(refused.value)
    assert "may not be read" in str(refused.value)


def refuse_to_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def guarded(function):
        def call(target, *args, **kwargs):
            if os.fspath(target) == os.fspath(path):
                raise PermissionError(13, "Permission denied", os.fspath(path))
            return function(target, *args, **kwargs)

        return call

    monkeypatch.setattr(os, "scandir", guarded(os.scandir))
    monkeypatch.setattr(Path, "open", guarded(Path.open))


def test_a_file_that_vanishes_while_it_is_read_is_told(tmp_path, monkeypatch):
    folder = as_folder(tmp_path / "t", {"a.txt": PROSE, "b.txt": VERSE})
    source = Files(path=folder)
    names = local.wanted(folder, source.formats.keys())
    monkeypatch.setattr(local, "wanted", lambda folder, suffixes: names)
    (folder / "b.txt").unlink()
    (tmp_path / "raw").mkdir()
    for action in (source.identity, lambda: source.fetch(tmp_path / "raw")):
        with pytest.raises(UserError, match=r"b\.txt has vanished"):
            action()


# names that are not UTF-8


def test_names_in_an_old_encoding_stop_no_one(tmp_path):
    """Unpacked on Linux, an old archive leaves names that are not UTF-8."""
    folder = tmp_path / "texts"
    folder.mkdir()
    name = "Дуэль.txt".encode("cp866")
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text(PROSE)
    except OSError:
        pytest.skip("this file system takes names in UTF-8 alone")
    (folder / "Дуэль.txt").write_text(VERSE)
    assert sorted(read(folder, tmp_path / "raw").values()) == sorted([PROSE, VERSE])
    fetch(Store(tmp_path / "data"), "mine", Files(path=folder))


# names that other file systems do not take


@pytest.mark.parametrize(
    "name",
    [
        *("Кто виноват?.txt", "Часть 1: начало.txt", "«Что делать?» *.txt", 'Он "Я" <1|2>.txt'),
        *("Соч. в 2 т./Т. 1./Дуэль.txt", "с пробелом /Дуэль.txt", "в\nдве строки.txt", "a\\b.txt"),
    ],
)
def test_a_name_is_stored_so_that_every_file_system_takes_it_and_read_as_it_is(name, tmp_path):
    folder = as_folder(tmp_path / "texts", {name: PROSE})
    (id,) = read(folder, tmp_path / "raw")
    assert id == name.removesuffix(".txt")
    for path in (tmp_path / "raw").rglob("*"):
        assert not set(path.name) & set('<>:"|?*\\\n')
        assert not path.name.endswith((".", " "))


def test_the_title_keeps_what_a_file_system_may_not_take(tmp_path):
    folder = as_folder(tmp_path / "texts", {"А. И. Герцен - Кто виноват? (1846).txt": PROSE})
    (document,) = documents(folder, tmp_path / "raw")
    assert (document.title, document.year) == ("Кто виноват?", 1846)


@pytest.mark.parametrize("name", ["а" * 200 + ".txt", "а" * 130 + ".fb2.gz", "а." * 80 + "txt"])
def test_a_name_too_long_in_utf_8_is_shortened_and_keeps_its_suffix(name):
    safe = safe_path(f"папка/{name}")
    assert len(safe.rpartition("/")[2].encode()) <= 255
    assert safe.endswith(name[-4:])
    assert safe_path(f"папка/б{name}") != safe


# identity


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
