"""File names from archives and other machines, as valid text."""

from __future__ import annotations

import unicodedata
import zipfile

from femtogpt.sources.encodings import strict


def member_name(name: str) -> str:
    """Normalise a path inside an archive: "/" as separator, composed letters, no dots and roots.

    macOS decomposes й and ё in file names; old Windows archivers separate folders with "\\".
    """
    parts = readable(name).replace("\\", "/").split("/")
    return unicodedata.normalize("NFC", "/".join(p for p in parts if p not in ("", ".", "..")))


def zip_name(info: zipfile.ZipInfo) -> str:
    """Decode a member's path; Russian Windows stores names in cp866 without marking them so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return _russian(info.filename.encode("cp437")) or info.filename
    except UnicodeEncodeError:  # the name came from the extra field, which is in UTF-8
        return info.filename


def readable(name: str) -> str:
    """Decode a name that is not in this machine's encoding, so that it can be written."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return _russian(name.encode(errors="surrogateescape")) or ascii(name)
    return name


def _russian(name: bytes) -> str | None:
    return strict(name, "utf-8") or strict(name, "cp866")
