"""The names of files in archives and of another machine, as text that can be written."""

from __future__ import annotations

import unicodedata
import zipfile

from femtogpt.sources.encodings import strict


def member_name(name: str) -> str:
    """A path inside an archive or a folder: with "/", in composed letters, without dots and roots.

    macOS decomposes й and ё in file names; old archivers of Windows part folders with "\\".
    """
    parts = readable(name).replace("\\", "/").split("/")
    return unicodedata.normalize("NFC", "/".join(p for p in parts if p not in ("", ".", "..")))


def zip_name(info: zipfile.ZipInfo) -> str:
    """A member's path; archives of Russian Windows name files in cp866 without saying so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return _russian(info.filename.encode("cp437")) or info.filename
    except UnicodeEncodeError:  # read from a field of its own, which is in UTF-8
        return info.filename


def readable(name: str) -> str:
    """A name in another encoding than this machine's, as text that can be written."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return _russian(name.encode(errors="surrogateescape")) or ascii(name)
    return name


def _russian(name: bytes) -> str | None:
    return strict(name, "utf-8") or strict(name, "cp866")
