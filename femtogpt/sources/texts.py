"""Reading ``.txt`` files, in a folder or in an archive, with what ``info.csv`` says of them."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Literal

from charset_normalizer import from_bytes
from pydantic import Field

from femtogpt.artifact import digest_of_file
from femtogpt.errors import UserError
from femtogpt.sources.base import Document, Source

ENCODINGS = ["cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp855"]
MARKS = (  # byte order marks; UTF-32's begins as UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
INFO = "info.csv"
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_DAMAGE = (  # what zipfile and tarfile raise over a damaged or locked archive
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
)


class Texts(Source):
    """What kinds of source that hold ``.txt`` files share."""

    not_text: Literal["stop", "reject"] = Field(
        "stop", description="what to do about a .txt file that is not text"
    )

    def documents(self, raw: Path) -> Iterator[Document]:
        """One document per ``.txt``: id its path, title its name, author its folder.

        ``info.csv`` beside the files (``name,year``) adds the year.
        """
        archives = [path for path in raw.iterdir() if path.name.lower().endswith(ARCHIVES)]
        files = _members(archives[0]) if archives else _files(raw)
        years: dict[tuple[str, str], int] = {}
        for name, read in files.items():
            if PurePosixPath(name).name == INFO:
                years |= _years(str(PurePosixPath(name).parent), decode(read()) or "")
        found = False
        for name, read in files.items():
            path = PurePosixPath(name)
            if path.suffix.lower() != ".txt":
                continue
            found = True
            text = decode(read())
            if text is None and self.not_text == "stop":
                raise UserError(
                    f"{name} is not text: remove it, or leave such files out with"
                    " sources.<name>.not_text=reject"
                )
            yield Document(
                id=str(path).removesuffix(".txt"),  # .TXT stays: both may be there
                text=text if text is not None else "",
                title=path.stem,
                author=path.parent.name or None,
                year=years.get((str(path.parent), _key(path.stem))),
            )
        if not found:
            raise UserError(f"{raw}: there is no .txt file in it")


def identity_of(path: Path) -> str:
    """SHA-256 of an archive's bytes, or of the names and bytes of a folder's texts.

    Raises UserError where there is no such file or it is not an archive.
    """
    if path.is_dir():
        whole = hashlib.sha256()
        for name in wanted(path):
            line = f"{name}\n{digest_of_file(path / name)}\n"
            whole.update(line.encode(errors="surrogateescape"))
        return whole.hexdigest()
    check_archive(path)
    return digest_of_file(path)


def wanted(folder: Path) -> list[str]:
    """The texts and lists in a folder, as sorted paths relative to it; UserError if none."""
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if (path.suffix.lower() == ".txt" or path.name == INFO)
        and not path.name.startswith("._")  # what macOS adds
        and path.is_file()
    )
    if not any(name.lower().endswith(".txt") for name in names):
        raise UserError(f"{folder}: there is no .txt file in it; give a folder that has some")
    return names


def check_archive(path: Path) -> None:
    """UserError unless the file is there and is an archive that can be read."""
    if not path.is_file():
        raise UserError(f"{path}: there is no such file or folder; check the path")
    if not path.name.lower().endswith(ARCHIVES):
        raise UserError(f"{path} is not an archive of a known kind: give {', '.join(ARCHIVES)}")
    if not (
        zipfile.is_zipfile(path) if path.suffix.lower() == ".zip" else tarfile.is_tarfile(path)
    ):
        raise UserError(f"{path} is not an archive, or is cut off: get a whole copy of it")


def decode(data: bytes) -> str | None:
    """Text from bytes in UTF-8, UTF-16 with its mark or a Russian 8-bit encoding; None if none."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return _strict(data, encoding)
    text = _strict(data, "utf-8-sig")
    if text is not None:
        return text if _is_text(text) else None
    if data.count(0) > len(data) / 100:
        return None
    best = from_bytes(data, cp_isolation=ENCODINGS).best()
    text = _strict(data, best.encoding) if best else None
    return text if text is not None and _is_text(text) else None


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_text(text: str) -> bool:
    """Random bytes decode to something in every 8-bit encoding: control characters tell."""
    controls = len(re.findall(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", text))
    return controls <= len(text) / 100


def _files(folder: Path) -> dict[str, Callable[[], bytes]]:
    return {name: (folder / name).read_bytes for name in wanted(folder)}


def _members(archive: Path) -> dict[str, Callable[[], bytes]]:
    """The files in an archive: path to a function that reads it; in sorted order."""
    check_archive(archive)
    try:
        if archive.suffix.lower() == ".zip":
            zipped = zipfile.ZipFile(archive)
            members = {
                _name(info): lambda info=info: zipped.read(info)
                for info in zipped.infolist()
                if not info.is_dir()
            }
        else:
            tar = tarfile.open(archive)  # noqa: SIM115  its members are read later
            members = {
                readable(info.name): lambda info=info: tar.extractfile(info).read()
                for info in tar
                if info.isfile()
            }
            while tar.fileobj.read(1 << 20):  # to the end, where a compressed one has its checksum
                pass
    except _DAMAGE as error:
        raise _damaged(archive, error) from error
    return {
        name: _guarded(archive, read)
        for name, read in sorted(members.items())
        if not PurePosixPath(name).name.startswith("._")  # what macOS adds
    }


def _guarded(archive: Path, read: Callable[[], bytes]) -> Callable[[], bytes]:
    def guarded() -> bytes:
        try:
            return read()
        except _DAMAGE as error:
            raise _damaged(archive, error) from error

    return guarded


def _damaged(archive: Path, error: Exception) -> UserError:
    return UserError(f"{archive} cannot be read ({error}): get a whole copy of it")


def _name(info: zipfile.ZipInfo) -> str:
    """A member's path; archives of Russian Windows name files in cp866 without saying so."""
    if info.flag_bits & 0x800:
        return info.filename
    return _russian(info.filename.encode("cp437")) or info.filename


def readable(name: str) -> str:
    """A name in another encoding than this machine's, as text that can be written."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return _russian(name.encode(errors="surrogateescape")) or ascii(name)
    return name


def _russian(name: bytes) -> str | None:
    return _strict(name, "utf-8") or _strict(name, "cp866")


def _years(folder: str, text: str) -> dict[tuple[str, str], int]:
    """(folder, name) to year; of a range (1862-1864), the last."""
    years = {}
    try:
        rows = list(csv.DictReader(io.StringIO(text)))
    except csv.Error:  # an open quote: better no years than no texts
        return {}
    for row in rows:
        found = re.findall(r"\d{4}", row.get("year") or "")
        if row.get("name") and found:
            years[folder, _key(row["name"])] = int(found[-1])
    return years


def _key(name: str) -> str:
    """A name in spite of case, ё and punctuation."""
    return re.sub(r"[\W_]+", "", name.casefold().replace("ё", "е"))
