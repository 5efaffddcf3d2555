"""The files in folders and archives, whatever compresses them, whole or damaged."""

from __future__ import annotations

import io
import random
import tarfile
import zipfile
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.errors import UserError
from femtogpt.sources.archives import ARCHIVES, Member, Unreadable, members
from femtogpt.sources.compressed import COMPRESSED
from femtogpt.sources.texts import Files
from tests.counted import operations
from tests.files import (
    APPLE,
    COMPRESS,
    PNG,
    READ,
    WORKS,
    as_folder,
    as_tar,
    as_zip,
    cut,
    faults,
    read,
    zip_bytes,
)
from tests.helpers import PROSE, VERSE, quick

MAKE = {ending: as_zip if ending == ".zip" else as_tar for ending in ARCHIVES}
MAKE = {ending: make for ending, make in MAKE.items() if ending not in (".tbz2", ".txz", ".tzst")}


@pytest.mark.parametrize("ending", [*MAKE, ".ZIP", ".TAR.GZ"])
def test_the_same_texts_are_read_from_every_archive(ending, tmp_path):
    made = MAKE[ending.lower()](tmp_path / f"texts{ending.lower()}", WORKS)
    path = made.rename(tmp_path / f"texts{ending}")
    assert read(path, tmp_path / "raw") == READ


@pytest.mark.parametrize("encoding", ["cp866", "cp1251", "koi8-r", "utf-8"])
def test_zips_of_old_archivers_have_their_russian_names(encoding, tmp_path):
    assert read(as_zip(tmp_path / "t.zip", WORKS, encoding), tmp_path / "raw") == READ


@pytest.mark.parametrize("encoding", ["cp866", "cp1251"])
@pytest.mark.parametrize("name", ["Я.txt", "ДУЭЛЬ.TXT", "А. П. Чехов - Дуэль (1891).txt", "Мы.txt"])
def test_a_single_short_name_shows_its_encoding(name, encoding, tmp_path):
    (found,) = read(as_zip(tmp_path / "t.zip", {name: PROSE}, encoding), tmp_path / "raw")
    assert found == name[:-4]


def test_a_member_whose_name_differs_in_the_directory_is_read(tmp_path):
    path = as_zip(tmp_path / "t.zip", {"Duel.txt": PROSE, "Autumn.txt": VERSE})
    data = path.read_bytes()
    directory = data.index(b"PK\x01\x02")
    damaged = data[directory:].replace(b"Duel.txt", b"XXXXXXXX")
    path.write_bytes(data[:directory].replace(b"Autumn.txt", b"Autumn.XXX") + damaged)
    assert read(path, tmp_path / "raw") == {"Duel": PROSE, "Autumn": VERSE}


def test_a_member_without_a_name_ends_nothing(tmp_path):
    path = as_zip(tmp_path / "t.zip", {"a": PROSE, "Autumn.txt": VERSE})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 46] = 0  # zipfile ends a name at a zero byte
    path.write_bytes(data)
    assert read(path, tmp_path / "raw") == {"Autumn": VERSE}


def test_names_with_dots_roots_and_backslashes_stay_within_the_source(tmp_path):
    files = {"./А.txt": "1", "/Б.txt": "2", "../../В.txt": "3", "Г\\Д.txt": "4"}
    names = {"А", "Б", "В", "Г/Д"}
    assert read(as_tar(tmp_path / "t.tar", files), tmp_path / "raw").keys() == names
    assert read(as_zip(tmp_path / "t.zip", files), tmp_path / "raw2").keys() == names


def test_a_tar_with_names_in_an_old_encoding_gives_names_that_can_be_written(tmp_path):
    with tarfile.open(tmp_path / "t.tar", "w", format=tarfile.GNU_FORMAT, encoding="cp866") as tar:
        info = tarfile.TarInfo("Чехов/Дуэль.txt")
        info.size = len(PROSE.encode())
        tar.addfile(info, io.BytesIO(PROSE.encode()))
    (name,) = read(tmp_path / "t.tar", tmp_path / "raw")
    name.encode()  # in Parquet and JSON


def test_letters_that_macos_decomposes_are_whole_in_names(tmp_path):
    decomposed = "Чаи\u0306ка.txt"
    assert read(as_zip(tmp_path / "t.zip", {decomposed: PROSE}), tmp_path / "raw") == {
        "Чайка": PROSE
    }


@pytest.mark.parametrize("make", [as_folder, as_zip, as_tar])
def test_what_macos_adds_is_no_document(make, tmp_path):
    added = {"__MACOSX/проза/Чехов/._Дуэль.txt": APPLE, "проза/Чехов/._Дуэль.txt": APPLE}
    target = {as_folder: "texts", as_zip: "texts.zip", as_tar: "texts.tar.gz"}[make]
    assert read(make(tmp_path / target, {**WORKS, **added}), tmp_path / "raw") == READ


# compressed files


@pytest.mark.parametrize("ending", COMPRESSED)
@pytest.mark.parametrize("make", [as_folder, as_zip, as_tar])
def test_a_compressed_file_is_read_as_what_it_holds(ending, make, tmp_path):
    target = {as_folder: "texts", as_zip: "texts.zip", as_tar: "texts.tar"}[make]
    packed = COMPRESS[ending](PROSE.encode("cp1251"))
    files = {f"Чехов/Дуэль.txt{ending}": packed, "Осень.txt": VERSE}
    found = read(make(tmp_path / target, files), tmp_path / "raw")
    assert found == {"Чехов/Дуэль": PROSE, "Осень": VERSE}


@pytest.mark.parametrize("ending", COMPRESSED)
def test_a_compressed_file_that_is_cut_off_anywhere_is_a_fault_and_never_half_a_text(
    ending, tmp_path
):
    packed = COMPRESS[ending](random.Random(0).randbytes(3000).hex().encode())
    (tmp_path / "raw").mkdir()
    for end in (0, 1, 3, 6, 10, 30, 300, len(packed) // 2, len(packed) - 5, len(packed) - 1):
        (tmp_path / "raw" / f"a.txt{ending}").write_bytes(packed[:end])
        (member,) = members(tmp_path / "raw")
        if end:  # nothing at all unpacks to nothing
            with pytest.raises(Unreadable):
                member.read()
            with pytest.raises(Unreadable), member.open() as stream:
                while stream.read(1000):
                    pass


@pytest.mark.parametrize("ending", COMPRESSED)
def test_a_file_that_is_not_compressed_as_its_name_says_is_a_fault(ending, tmp_path):
    files = {f"a.txt{ending}": PROSE, "b.txt": VERSE}
    (why,) = faults(as_folder(tmp_path / "t", files), tmp_path / "raw").values()
    assert "damaged" in why


@quick
@given(data=st.binary(max_size=3000), sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=5))
@pytest.mark.parametrize("path", ["a.bin", "a.bin.gz", "a.bin.zst", "t.zip", "t.tar.xz"])
def test_a_stream_gives_the_same_bytes_as_reading_at_once(path, data, sizes, tmp_path_factory):
    raw = tmp_path_factory.mktemp("raw")
    if path.startswith("t."):
        (as_zip if path == "t.zip" else as_tar)(raw / path, {"a.bin": data})
    else:
        ending = path.removeprefix("a.bin")
        (raw / path).write_bytes(COMPRESS.get(ending, bytes)(data))
    (member,) = members(raw)
    assert member.name == "a.bin"
    assert member.read() == data
    with member.open() as stream:
        parts = [stream.read(size) for size in sizes]
        assert b"".join([*parts, stream.read()]) == data
        stream.seek(len(data) // 2)
        assert stream.read() == data[len(data) // 2 :]


def test_a_stream_of_a_huge_member_takes_little_memory(tmp_path):
    import tracemalloc

    (tmp_path / "raw").mkdir()
    as_zip(tmp_path / "raw" / "t.zip", {"a.txt": bytes(60_000_000)})
    tracemalloc.start()
    (member,) = members(tmp_path / "raw")
    with member.open() as stream:
        size = sum(len(part) for part in iter(lambda: stream.read(1 << 16), b""))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == 60_000_000
    assert peak < 5_000_000


@pytest.mark.parametrize("make", [as_zip, as_tar])
def test_the_work_grows_with_the_files_in_an_archive_and_no_faster(make, tmp_path):
    def work(count: int) -> int:
        folder = tmp_path / str(count)
        folder.mkdir()
        name = "t.zip" if make is as_zip else "t.tar.gz"
        make(folder / name, {f"п/{number}.txt": "Запись." for number in range(count)})
        return operations(lambda: [member.read() for member in members(folder)], "sources/")

    assert work(400) <= 1.1 * 4 * work(100)


@pytest.mark.parametrize("ending", ["", ".zip", ".gz"])
def test_a_file_too_large_to_be_a_work_is_a_fault_and_not_the_end_of_memory(
    ending, tmp_path, monkeypatch
):
    monkeypatch.setattr("femtogpt.sources.archives.MAX_BYTES", 1_000_000)
    folder = as_folder(tmp_path / "texts", {"б.txt": PROSE})
    bomb = "а".encode() * 500_001
    if ending == ".zip":
        as_zip(folder / "бомба.zip", {"а.txt": bomb})
    else:
        as_folder(folder, {f"а.txt{ending}": COMPRESS[ending](bomb) if ending else bomb})
    ((name, fault),) = faults(folder, tmp_path / "raw").items()
    assert name == ("бомба/а" if ending == ".zip" else "а")
    assert fault == "it has more than 1,000,000 bytes: split it"


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz"])
def test_an_empty_archive_among_others_is_told(ending, tmp_path):
    folder = as_folder(tmp_path / "texts", {"б.txt": PROSE})
    MAKE[ending](folder / f"а{ending}", {})
    (fault,) = faults(folder, tmp_path / "raw").values()
    assert fault == "it is empty"


def test_a_member_may_be_made_of_its_bytes():
    member = Member("a", lambda: io.BytesIO(b"bytes"))
    assert member.open().read() == member.read() == b"bytes"


# several archives


def test_the_content_of_several_archives_is_named_as_if_each_were_a_folder(tmp_path):
    folder = as_folder(tmp_path / "t", {"Записка.txt": PROSE, "новое/c.png": PNG})
    as_zip(folder / "Чехов.zip", {"Дуэль.txt": PROSE})
    as_tar(folder / "новое" / "Пушкин.tar.gz", {"Осень.txt": VERSE, "Дуэль.txt": PROSE})
    assert read(folder, tmp_path / "raw").keys() == {
        "Записка",
        "Чехов/Дуэль",
        "новое/Пушкин/Осень",
        "новое/Пушкин/Дуэль",
    }


def test_a_zip_of_one_book_is_that_book_however_it_is_called_inside(tmp_path):
    folder = as_folder(tmp_path / "t", {"Осень.txt": VERSE})
    as_zip(folder / "Дуэль.txt.zip", {"12345.txt": PROSE})
    assert read(folder, tmp_path / "raw") == {"Осень": VERSE, "Дуэль": PROSE}


def test_thousands_of_archives_do_not_use_up_the_open_files(tmp_path):
    import resource

    folder = as_folder(tmp_path / "t", {})
    for number in range(300):
        as_zip(tmp_path / f"{number}.zip", {"a.txt": PROSE + str(number)})
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, limits[1]))
    try:
        assert len(read(tmp_path, tmp_path.parent / f"{tmp_path.name}-raw")) == 300
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert not [*folder.glob("*")]


def test_an_archive_in_an_archive_is_told(tmp_path, caplog):
    files = {"Осень.txt": VERSE, "ещё/старое.zip": zip_bytes({"Дуэль.txt": PROSE})}
    found = faults(as_zip(tmp_path / "t.zip", files), tmp_path / "raw")
    assert found == {"ещё/старое.zip": "it is an archive in an archive: unpack it"}
    assert any("in an archive: unpack it: 1" in line for line in caplog.messages)


@pytest.mark.parametrize("make", [as_zip, as_tar])
def test_what_is_left_out_of_an_archive_is_told_in_one_line_by_kind(make, tmp_path, caplog):
    files = {
        "а.txt": PROSE,
        "б.pdf": PNG,
        "п/в.PDF": PNG,
        "г.djvu": PNG,
        "д": PNG,
        "info.csv": "name,year\nа,1891\n",
    }
    added = {"__MACOSX/._а.txt": APPLE, ".DS_Store": APPLE}
    path = make(tmp_path / ("t.zip" if make is as_zip else "t.tar"), files | added)
    assert read(path, tmp_path / "raw") == {"а": PROSE}
    (line,) = caplog.messages
    assert line.startswith(f"{path}: files of other kinds are left out: .pdf 2, ")
    assert ".djvu 1" in line and "no ending 1" in line and "DS_Store" not in line
    caplog.clear()
    folder = as_folder(tmp_path / "texts", {"б.txt": VERSE})
    path.rename(folder / path.name)
    read(folder, tmp_path / "raw2")
    assert [line for line in caplog.messages if ".pdf 2" in line]


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz"])
def test_of_files_of_one_name_the_last_is_read_and_the_others_are_told(ending, tmp_path):
    path, named = tmp_path / f"t{ending}", [("Дуэль.txt", PROSE), ("Дуэль.txt", VERSE)]
    if ending == ".zip":
        with zipfile.ZipFile(path, "w") as zipped:
            for name, text in named:
                with pytest.warns() if name in zipped.NameToInfo else nullcontext():
                    zipped.writestr(zipfile.ZipInfo(name), text)
    else:
        with tarfile.open(path, f"w:{ending[5:]}") as tar:
            for name, text in named:
                info = tarfile.TarInfo(name)
                info.size = len(text.encode())
                tar.addfile(info, io.BytesIO(text.encode()))
    assert read(path, tmp_path / "raw") == {"Дуэль": VERSE, "Дуэль#2": ""}
    why = "a later file of the same name is read in its place"
    assert faults(path, tmp_path / "raw2") == {"Дуэль#2": why}


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_link_or_a_pipe_in_a_tar_is_told_and_leads_nowhere(ending, tmp_path):
    (tmp_path / "out.txt").write_text(VERSE)
    entries = {
        "вверх.txt": (tarfile.SYMTYPE, "../out.txt"),
        "вниз.txt": (tarfile.LNKTYPE, "Дуэль.txt"),
        "канал.txt": (tarfile.FIFOTYPE, ""),
    }
    path = tmp_path / f"t.tar{ending}"
    with tarfile.open(path, f"w:{ending[1:]}") as tar:
        info = tarfile.TarInfo("Дуэль.txt")
        info.size = len(PROSE.encode())
        tar.addfile(info, io.BytesIO(PROSE.encode()))
        for name, (kind, target) in entries.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)
    texts = read(path, tmp_path / "raw")
    assert {name: text for name, text in texts.items() if text} == {"Дуэль": PROSE}
    assert faults(path, tmp_path / "raw2") == {
        "вверх": "it is a link to ../out.txt: put the file itself into the archive",
        "вниз": "it is a link to Дуэль.txt: put the file itself into the archive",
        "канал": "it is a device or a pipe: remove it",
    }


# damage


def test_a_broken_archive_among_others_is_a_fault_and_the_others_are_read(tmp_path):
    folder = as_folder(tmp_path / "t", {"Осень.txt": VERSE})
    cut(as_zip(folder / "a.zip", WORKS), 0.9)
    cut(as_tar(folder / "b.tar.gz", WORKS), 0.7)
    as_zip(folder / "c.zip", {"Дуэль.txt": PROSE})
    assert faults(folder, tmp_path / "raw").keys() == {"a.zip", "b.tar.gz"}
    texts = read(folder, tmp_path / "raw2")
    assert (texts["Осень"], texts["c/Дуэль"]) == (VERSE, PROSE)


@pytest.mark.parametrize("what", ["checksum", "password", "method"])
def test_a_damaged_or_locked_member_is_a_fault_and_the_others_are_read(what, tmp_path):
    path = as_zip(tmp_path / "t.zip", {"Дуэль.txt": PROSE, "Осень.txt": VERSE})
    with zipfile.ZipFile(path) as zipped:
        info = zipped.getinfo("Дуэль.txt")
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    if what == "checksum":
        data[info.header_offset + 200] ^= 1
    for start, flags, method in ((info.header_offset, 6, 8), (entry, 8, 10)):
        if what == "password":
            data[start + flags] |= 1
        if what == "method":
            data[start + method] = 77
    path.write_bytes(data)
    texts = read(path, tmp_path / "raw")
    assert texts == {"Дуэль": "", "Осень": VERSE}
    assert faults(path, tmp_path / "raw2").keys() == {"Дуэль"}
    if what == "password":
        assert faults(path, tmp_path / "raw3") == {"Дуэль": "it is locked with a password"}


@pytest.mark.parametrize("ending", [".zip", ".tar.gz", ".tar.xz"])
def test_a_damaged_archive_is_never_read_as_something_else(ending, tmp_path):
    name = f"t{ending}"
    make = as_zip if ending == ".zip" else as_tar
    intact = make(tmp_path / name, {"Чехов/Дуэль.txt": PROSE * 3}).read_bytes()
    draw = random.Random(0)
    faulty = 0
    for number in range(60):
        data = bytearray(intact)
        for _ in range(draw.choice((1, 3))):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        (tmp_path / name).write_bytes(data)
        try:
            texts = read(tmp_path / name, tmp_path / f"raw{number}")
        except UserError:
            faulty += 1
        else:  # a bit of a time or a name; or nothing is read, and that is told
            assert list(texts.values()) in ([PROSE * 3], [""])
            faulty += list(texts.values()) == [""]
    assert faulty > 30


@pytest.mark.parametrize("ending", [ending for ending in MAKE if ending.startswith(".t")])
def test_a_lone_tar_that_is_cut_off_anywhere_is_told(ending, tmp_path):
    files = {f"{number}.txt": f"{number} {PROSE}" for number in range(5)}
    intact = as_tar(tmp_path / f"t{ending}", files).read_bytes()
    ends = random.Random(0).sample(range(len(intact) * 3 // 4), 25)
    ends += [512, 1024, 2048] if ending == ".tar" else [len(intact) - 1]
    for number, end in enumerate(ends):
        (tmp_path / f"t{ending}").write_bytes(intact[:end])
        with pytest.raises(UserError, match="whole copy"):
            read(tmp_path / f"t{ending}", tmp_path / f"raw{number}")


def test_a_tar_that_is_damaged_in_its_middle_is_told(tmp_path):
    path = as_tar(tmp_path / "t.tar", {f"{number}.txt": PROSE for number in range(5)})
    data = bytearray(path.read_bytes())
    data[data.index(b"3.txt")] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="whole copy"):
        read(path, tmp_path / "raw")


@quick
@given(
    make=st.sampled_from([as_zip, as_tar]),
    changes=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 20), st.binary(max_size=4)), min_size=1
    ),
)
def test_whatever_is_done_to_an_archive_ends_in_its_texts_or_a_reason(
    make, changes, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("t")
    path = make(folder / ("t.zip" if make is as_zip else "t.tar"), WORKS)
    data = bytearray(path.read_bytes())
    for position, size, junk in changes[:5]:
        at = int(position * len(data))
        data[at : at + size] = junk
    path.write_bytes(data)
    try:
        found = list(Files(path=folder).documents(folder))
    except UserError:
        return
    for document in found:
        assert document.fault or make is as_tar or document.text in READ.values()
