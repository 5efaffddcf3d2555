"""Archives as they come: cut off, locked, nested, with names and entries of every sort."""

from __future__ import annotations

import io
import random
import tarfile
import zipfile
from pathlib import Path

from femtogpt.sources.archives import ARCHIVES
from tests.faults.given import FORMS, Given, Make, beside, texts
from tests.files import COMPRESS, add_to_tar, as_bytes, as_file, as_tar, as_zip, zip_bytes
from tests.helpers import story

ENDINGS = tuple(ending for ending in ARCHIVES if ending not in (".tbz2", ".txz", ".tzst"))
ODD_NAMES = ("/etc/passwd", "../../выше", "..\\..\\выше", "C:\\Users\\я", "a/../../b", "./c/./d")
TINY = 100_000  # entries of the largest archive
LIMIT = 200_000  # bytes of a file, set for a try


def packed(draw: random.Random, folder: Path, name: str, files: dict[str, str]) -> Path:
    """An archive of a drawn kind."""
    ending = draw.choice(ENDINGS)
    return (as_zip if ending == ".zip" else as_tar)(folder / f"{name}{ending}", dict(files))


def placed(draw: random.Random, folder: Path, archive: Path, **expected) -> Given:
    """The archive alone, or as one of several files in a folder, drawn."""
    form = draw.choice(FORMS)
    what = f"{expected.pop('what', '')} {archive.suffixes[-1]} {form}".strip()
    if form == "alone":
        return Given(
            what, archive, only=True, may_stop=expected.pop("alone_stops", False), **expected
        )
    expected.pop("alone_stops", None)
    whole = expected.pop("whole", {}) | beside(draw, folder)
    return Given(what, folder, only=True, whole=whole, **expected)


def cut_off(draw: random.Random, folder: Path) -> Given:
    files = texts(draw, draw.choice((2, 8)))
    archive = packed(draw, folder, "Архив", files)
    data = archive.read_bytes()
    end = draw.randrange(len(data) * 19 // 20)
    archive.write_bytes(data[:end])
    return placed(
        *(draw, folder, archive),
        what=f"{end} of {len(data)} bytes",
        perhaps=files,
        told=("Архив",),
        alone_stops=True,
    )


def damaged(draw: random.Random, folder: Path) -> Given:
    """With some bytes changed: what has a checksum is read whole or not at all."""
    files = texts(draw, draw.choice((2, 8)))
    archive = as_zip(folder / "Архив.zip", dict(files))
    data = bytearray(archive.read_bytes())
    place = draw.randrange(len(data))
    data[place : place + draw.choice((1, 4, 100))] = draw.randbytes(4)
    archive.write_bytes(data)
    what = f"changed at {place}"
    told = ("Архив", *(name.removesuffix(".txt") for name in files))
    return placed(draw, folder, archive, what=what, perhaps=files, told=told, alone_stops=True)


def locked(draw: random.Random, folder: Path) -> Given:
    """With the mark of a password at some of its files."""
    files = texts(draw, 5)
    archive = as_zip(folder / "Архив.zip", dict(files))
    names = draw.sample(list(files), draw.randint(1, 4))
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as zipped:
        headers = {info.filename: info.header_offset for info in zipped.infolist()}
        entry = zipped.start_dir
    for name in headers:
        size = int.from_bytes(data[entry + 28 : entry + 30], "little")
        rest = sum(int.from_bytes(data[entry + at : entry + at + 2], "little") for at in (30, 32))
        if name in names:
            data[headers[name] + 6] |= 1
            data[entry + 8] |= 1
        entry += 46 + size + rest
    archive.write_bytes(data)
    whole = {name: text for name, text in files.items() if name not in names}
    told = tuple(name.removesuffix(".txt") for name in names)
    return placed(draw, folder, archive, what=f"{len(names)} of 5", whole=whole, told=told)


def nested(draw: random.Random, folder: Path) -> Given:
    files = texts(draw, 3)
    inner: bytes = zip_bytes(dict(texts(draw, 2)))
    depth = draw.randint(1, 3)
    for level in range(depth - 1):
        inner = zip_bytes({f"внутри {level}.zip": inner})
    archive = packed(draw, folder, "Архив", {**files, "ещё/Внутренний.zip": inner})
    what = f"{depth} deep in"
    return placed(draw, folder, archive, what=what, whole=files, told=("Внутренний.zip",))


def other_names(draw: random.Random, folder: Path) -> Given:
    """With names in an encoding that nothing tells."""
    encoding = draw.choice(("cp866", "cp1251", "koi8-r", "utf-8"))
    files = {f"Чехов/{name}": text for name, text in texts(draw, draw.randint(1, 20)).items()}
    archive = as_zip(folder / "Архив.zip", dict(files), encoding)
    given = placed(draw, folder, archive, what=f"names in {encoding}", whole=files)
    above = "" if given.path == archive else "Архив/"
    given.ids = frozenset(f"{above}{name.removesuffix('.txt')}" for name in files)
    return given


def odd_paths(draw: random.Random, folder: Path) -> Given:
    """With names that lead out of the folder, or to the root."""
    names = (*ODD_NAMES, str(folder.parent / "от корня"))
    stories = texts(draw, len(names)).values()
    files = {f"{name}.txt": text for name, text in zip(names, stories, strict=True)}
    archive = packed(draw, folder, "Архив", files)
    given = placed(draw, folder, archive, what="paths out of", whole=files)
    last = {name.replace("\\", "/").rpartition("/")[2] for name in files}
    given.nowhere = frozenset({*last, *files})
    return given


def links(draw: random.Random, folder: Path) -> Given:
    """With links to files inside and outside, and to themselves, and with a pipe."""
    files = texts(draw, 3)
    targets = {
        "Ссылка внутрь": (tarfile.SYMTYPE, next(iter(files))),
        "Ссылка наружу": (tarfile.SYMTYPE, "/etc/hostname"),
        "Ссылка выше": (tarfile.SYMTYPE, "../../../etc/hostname"),
        "Ссылка на себя": (tarfile.SYMTYPE, "Ссылка на себя.txt"),
        "Жёсткая ссылка": (tarfile.LNKTYPE, next(iter(files))),
        "Канал": (tarfile.FIFOTYPE, ""),
    }
    names = draw.sample(list(targets), draw.randint(1, len(targets)))
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, text in files.items():
            add_to_tar(tar, name, text)
        for name in names:
            info = tarfile.TarInfo(f"{name}.txt")
            info.type, info.linkname = targets[name]
            tar.addfile(info)
    ending = draw.choice(("", ".gz", ".xz"))
    archive = folder / f"Архив.tar{ending}"
    archive.write_bytes(COMPRESS.get(ending, bytes)(data.getvalue()))
    return placed(draw, folder, archive, what="links in", whole=files, told=tuple(names))


def links_in_folder(draw: random.Random, folder: Path) -> Given:
    """A folder with links: to a file elsewhere, to a folder above, to itself, to nothing."""
    elsewhere, mine = folder / "elsewhere", folder / "mine"
    whole = {**beside(draw, mine), **beside(draw, elsewhere)}
    (mine / "туда").symlink_to(elsewhere)
    (mine / "наверх").symlink_to(mine)
    bad = draw.choice(("none", "broken", "itself"))
    if bad != "none":
        (mine / "Ссылка.txt").symlink_to("нет.txt" if bad == "broken" else "Ссылка.txt")
    stops = bad != "none"
    return Given(f"links in a folder, {bad} is bad", mine, whole=whole, may_stop=stops)


def many(draw: random.Random, folder: Path, count: int | None = None) -> Given:
    """With very many small files, each too short to be kept."""
    count = count or draw.choice((2000, 5000))
    files = {f"п/{number}.txt": f"Запись {number}." for number in range(count)}
    whole = texts(draw, 3)
    archive = packed(draw, folder, "Архив", {**files, **whole})
    return placed(
        draw, folder, archive, what=f"{count} files in", whole=whole, told=("п/0", f"п/{count - 1}")
    )


def very_many(draw: random.Random, folder: Path) -> Given:
    return many(draw, folder, TINY)


def same_names(draw: random.Random, folder: Path) -> Given:
    """With several files of one name: the last is read, and of the others it is told."""
    stories = list(texts(draw, 3).values())
    others = texts(draw, 2)
    names = ["Дважды.txt"] * len(stories) + list(others)
    contents = [*stories, *others.values()]
    ending = draw.choice((".zip", ".tar", ".tar.gz"))
    archive, data = folder / f"Архив{ending}", io.BytesIO()
    if ending == ".zip":
        with zipfile.ZipFile(data, "w") as zipped:
            for name, text in zip(names, contents, strict=True):
                zipped.writestr(zipfile.ZipInfo(name), text)
    else:
        with tarfile.open(fileobj=data, mode="w") as tar:
            for name, text in zip(names, contents, strict=True):
                add_to_tar(tar, name, text)
    compressed = COMPRESS[".gz"](data.getvalue()) if ending == ".tar.gz" else data.getvalue()
    archive.write_bytes(compressed)
    whole = {"the last": stories[-1], **others}
    earlier = {f"version {number}": text for number, text in enumerate(stories[:-1])}
    told = ("Дважды#2", "Дважды#3")
    return placed(
        draw, folder, archive, what="names twice in", whole=whole, perhaps=earlier, told=told
    )


def too_large(draw: random.Random, folder: Path) -> Given:
    """With a file beyond the largest that is read, which is set low."""
    files = texts(draw, 3)
    large = story(draw.randrange(1000), 200) * 200
    form = draw.choice(("in an archive", "compressed", "plain"))
    told = ("Большой",)
    if form == "in an archive":
        archive = packed(draw, folder, "Архив", {**files, "Большой.txt": large})
        return placed(*(draw, folder, archive), what=form, whole=files, told=told, largest=LIMIT)
    ending = draw.choice(tuple(COMPRESS)) if form == "compressed" else ""
    content = as_bytes(large)
    as_file(folder / f"Большой.txt{ending}", COMPRESS.get(ending, bytes)(content))
    whole = beside(draw, folder)
    return Given(f"{form} {ending}", folder, whole=whole, told=told, largest=LIMIT)


def compressed_cut_off(draw: random.Random, folder: Path) -> Given:
    ending = draw.choice(tuple(COMPRESS))
    text = story(draw.randrange(10**6), 2000)
    data = COMPRESS[ending](as_bytes(text))
    end = draw.randrange(1, len(data))
    as_file(folder / f"Один.txt{ending}", data[:end])
    return Given(
        f"{end} of {len(data)} bytes of {ending}",
        folder,
        whole=beside(draw, folder),
        perhaps={"Один": text},
        told=("Один",),
        only=True,
    )


KINDS: dict[str, Make] = {
    "archive cut off": cut_off,
    "archive damaged": damaged,
    "archive with a password": locked,
    "archive in an archive": nested,
    "archive's names in old encodings": other_names,
    "archive's names absolute or with ..": odd_paths,
    "archive with links": links,
    "folder with links": links_in_folder,
    "archive of very many small files": many,
    "archive with a name twice": same_names,
    "file over the limit": too_large,
    "compressed file cut off": compressed_cut_off,
}
# In place of the row's own, once among the tries that a whole run makes of it: it takes long.
ONCE: dict[str, Make] = {"archive of very many small files": very_many}
