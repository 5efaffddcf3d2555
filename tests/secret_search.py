"""Whether a secret that the tests gave was written down: searched for in what they leave.

All their secrets have one mark in them. Kaggle's key also goes out in base64, of which the mark has
three forms, one for each place at which it may begin.
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from femtogpt.sources.compressed import DAMAGE, decompressed, detected_compression

MARK = "nobody-may-see-this"
TOKEN = f"a-token-{MARK}"  # Kaggle's access token, given to all that the tests start
REFRESH = f"a-refresh-token-{MARK}"
KEY = f"a-key-{MARK}"
# Where Kaggle's client itself keeps credentials, and the person puts them.
OWN_FILES = ("access_token", "access_token.txt", "kaggle.json", "credentials.json", "token")
PART = 8 << 20  # bytes of a file that are read at a time
MOST = 256 << 20  # bytes that are unpacked of a compressed file


def _in_base64(text: str) -> Iterator[bytes]:
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + text.encode())
        yield encoded[-(-before * 8 // 6) : (before + len(text)) * 8 // 6]


PATTERNS = (MARK.encode(), MARK.encode("utf-16-le"), *_in_base64(MARK))
LONGEST = max(map(len, PATTERNS))


def found_in_text(text: str) -> bool:
    return any(pattern in text.encode(errors="replace") for pattern in PATTERNS)


def found_in_files(folders: Iterable[Path], since: float = 0.0) -> list[str]:
    """Each file with a secret that was changed after ``since``, and where in it."""
    found = []
    for path in _files(folders):
        try:
            about = os.lstat(path)
            if not stat.S_ISREG(about.st_mode) or about.st_mtime < since:
                continue
            if (place := _place_in(path)) is not None:
                found.append(f"{path}: byte {place}")
        except OSError:  # it is gone
            continue
    return found


def _place_in(path: str) -> int | None:
    """Where a secret begins in a file, or in what is compressed in it; None if there is none."""
    with open(path, "rb", buffering=0) as file:
        place = _place(_data(file))
        file.seek(0)
        if place is None and (kind := detected_compression(file)):
            with suppress(*DAMAGE):
                place = _place(_unpacked(decompressed(file, kind)))
    return place


def _place(parts: Iterable[tuple[int, bytes]]) -> int | None:
    """Where a secret begins in the parts of a file, each with its place."""
    before, end = b"", 0
    for at, part in parts:
        content = before + part if at == end else part
        if places := [place for one in PATTERNS if (place := content.find(one)) >= 0]:
            return at + len(part) - len(content) + min(places)
        before, end = content[-LONGEST:], at + len(part)
    return None


def _data(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """What a file holds, without the holes of a sparse one."""
    at = 0
    with suppress(OSError):  # no data any more
        while True:
            at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            part = file.read(PART)
            yield at, part
            at += len(part)


def _unpacked(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < MOST and (part := file.read(PART)):
        yield at, part
        at += len(part)


def _files(folders: Iterable[Path]) -> Iterator[str]:
    for folder in folders:
        for place, _, names in os.walk(folder):
            yield from (os.path.join(place, name) for name in names if name not in OWN_FILES)
