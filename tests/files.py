"""Files, folders and archives that several test files build."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import sys
import tarfile
import zipfile
from pathlib import Path
from string import ascii_uppercase

from femtogpt.sources.base import Document, unique_ids
from femtogpt.sources.texts import Files
from tests.helpers import PROSE, VERSE

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLAIN = PROSE.replace("—", "-").replace("«", '"').replace("»", '"')  # what every encoding has
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\2\0\0\0\2\0\x08\6\0\0\0" + random.Random(0).randbytes(500)
ELF = b"\x7fELF\2\1\1" + bytes(9) + b"\2\0\x3e\0\1\0\0\0" + random.Random(1).randbytes(500)
APPLE = b"\0\x05\x16\x07\0\x02\0\0Mac OS X        " + bytes(60)  # what macOS puts into ._files
WORKS = {
    "проза/Чехов/Дуэль.txt": PROSE,
    "стихи/Пушкин/Осень.txt": VERSE,
    "Записка.txt": PLAIN,
}
READ = {name.removesuffix(".txt"): text for name, text in WORKS.items()}
COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd.compress}


def as_bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def as_folder(path: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(as_bytes(content))
    return path


def as_file(path: Path, content: str | bytes) -> Path:
    return as_folder(path.parent, {path.name: content}) / path.name


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


def zip_bytes(files: dict[str, str | bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return data.getvalue()


def add_to_tar(tar: tarfile.TarFile, name: str, content: str | bytes) -> None:
    """Add a file; of one name there may be several."""
    info = tarfile.TarInfo(name)
    info.size = len(as_bytes(content))
    tar.addfile(info, io.BytesIO(as_bytes(content)))


def as_tar(path: Path, files: dict[str, str | bytes]) -> Path:
    """A tar, compressed as its ending says."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in files.items():
            add_to_tar(tar, name, content)
    ending = {".tgz": ".gz"}.get(path.suffix, path.suffix)
    path.write_bytes(COMPRESS.get(ending, bytes)(data.getvalue()))
    return path


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def documents(path: Path, into: Path, **settings) -> list[Document]:
    """What the files source makes of a path, through a copy in ``into``."""
    source = Files(path=path, **settings)
    source.identity()
    into.mkdir(exist_ok=True)
    source.fetch(into)
    found = list(unique_ids(source.documents(into)))
    assert len({document.id for document in found}) == len(found), "two have the same id"
    return found


def read(path: Path, into: Path, **settings) -> dict[str, str]:
    """The same: text by id."""
    return {document.id: document.text for document in documents(path, into, **settings)}


def faults(path: Path, into: Path, **settings) -> dict[str, str]:
    """The same: why it cannot be read, by id."""
    found = documents(path, into, **settings)
    return {document.id: document.fault for document in found if document.fault}
