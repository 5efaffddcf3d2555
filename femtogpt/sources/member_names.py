"""File names from archives and other machines, as valid text."""

from __future__ import annotations

import hashlib
import struct
import unicodedata
import zipfile
from collections.abc import Iterable
from pathlib import PurePosixPath

from femtogpt.sources.encodings import strict
from femtogpt.sources.russian import russian

NAME_ENCODINGS = ("cp866", "cp1251", "koi8_r")  # the first where they are equally likely
MAX_NAME_BYTES = 255
SAMPLE_BYTES = 1 << 14  # of the names, which show their encoding
UTF_8_FLAG = 0x800
HEADER = struct.Struct("<26xHH")  # of a member: the lengths of its name and of its extra field
FINAL_DOT, FINAL_SPACE = "\u2024", "\u2420"  # a one dot leader, a symbol for a space
_FORBIDDEN = {char: chr(ord(char) + 0xFEE0) for char in '<>:"|?*\\'}  # their full-width forms
_FORBIDDEN |= {chr(code): chr(0x2400 + code) for code in range(1, 0x20)}  # their symbols
_SAFE = str.maketrans(_FORBIDDEN)
_GIVEN = str.maketrans({safe: char for char, safe in _FORBIDDEN.items()})
_GIVEN |= str.maketrans({FINAL_DOT: ".", FINAL_SPACE: " "})


def member_name(name: str) -> str:
    """Normalise a path inside an archive: "/" as separator, composed letters, no dots and roots.

    macOS decomposes й and ё in file names; old Windows archivers separate folders with "\\".
    """
    parts = readable(name).replace("\\", "/").split("/")
    return unicodedata.normalize("NFC", "/".join(p for p in parts if p not in ("", ".", "..")))


def zipped_files(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return an archive's members that are files; ``is_dir`` fails for an empty name."""
    return [info for info in archive.infolist() if info.filename and not info.is_dir()]


def zip_names(archive: zipfile.ZipFile, infos: Iterable[zipfile.ZipInfo]) -> list[str]:
    """Decode the paths of an archive's members.

    Archivers on Russian Windows store names in cp866 or cp1251, and others in UTF-8, without
    marking them so. All names of an archive are in one encoding, which is that of them together.
    """
    infos = list(infos)
    raw = [_raw_name(archive, info) for info in infos]
    others = [name for name in raw if name is not None and strict(name, "utf-8") is None]
    encoding = _encoding(others)
    return [
        info.filename if name is None else strict(name, "utf-8") or name.decode(encoding, "replace")
        for info, name in zip(infos, raw, strict=True)
    ]


def name_in_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str | None:
    """Return a member's name where its bytes begin, decoded like the one in the directory."""
    stream = archive.fp
    if stream is None or not 0 <= info.header_offset < archive.start_dir:
        return None
    stream.seek(info.header_offset)
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size or not header.startswith(b"PK"):
        return None
    name = stream.read(HEADER.unpack(header)[0])
    return strict(name, "utf-8" if info.flag_bits & UTF_8_FLAG else "cp437")


def _raw_name(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | None:
    """Return the bytes of a name that is not marked as UTF-8."""
    name = info.filename
    if not PurePosixPath(name).suffix:  # the directory may be damaged
        other = name_in_header(archive, info) or ""
        name = other if PurePosixPath(other).suffix else name
    if info.flag_bits & UTF_8_FLAG:
        return None if name == info.filename else name.encode()
    try:
        return name.encode("cp437")
    except UnicodeEncodeError:  # the name came from the extra field, which is in UTF-8
        return None


def readable(name: str) -> str:
    """Decode a name that is not in this machine's encoding, so that it can be written."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raw = name.encode(errors="surrogateescape")
        return strict(raw, "utf-8") or raw.decode(_encoding([raw]), "replace")
    return name


def safe_path(name: str) -> str:
    """Return a relative path that every file system takes; ``given_path`` undoes it.

    Memory cards and network shares take no «?» or «:» and no dot at the end of a name, and no
    system takes a name of more than 255 bytes, as a long one in cp866 is in UTF-8.
    """
    return "/".join(_shortened(_safe(part)) for part in name.split("/"))


def given_path(name: str) -> str:
    """Return the path that ``safe_path`` made safe."""
    return name.translate(_GIVEN)


def _safe(part: str) -> str:
    part = part.translate(_SAFE)
    if part.endswith((".", " ")):
        part = part[:-1] + {".": FINAL_DOT, " ": FINAL_SPACE}[part[-1]]
    return part


def _shortened(part: str) -> str:
    if len(part.encode()) <= MAX_NAME_BYTES:
        return part
    path = PurePosixPath(part)
    suffix = "".join(path.suffixes[-2:]) if len("".join(path.suffixes[-2:])) < 20 else ""
    mark = f"~{hashlib.sha256(part.encode()).hexdigest()[:8]}{suffix}"
    stem = part.removesuffix(suffix).encode()[: MAX_NAME_BYTES - len(mark.encode())]
    return stem.decode(errors="ignore") + mark


def _encoding(names: list[bytes]) -> str:
    """Return the 8-bit encoding in which names are most Russian; cp866 if none stands out."""
    words = b" ".join(names)[:SAMPLE_BYTES]
    scores = {name: russian(words.decode(name, "replace")) for name in NAME_ENCODINGS}
    best = max(scores, key=scores.__getitem__)
    return best if words else NAME_ENCODINGS[0]
