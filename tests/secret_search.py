"""Whether a secret that the tests gave was written down: searched for in what they leave.

All their secrets have one mark in them. Kaggle's key also goes out in base64, of which the mark has
three forms, one for each place at which it may begin.
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

MARK = "nobody-may-see-this"
TOKEN = f"a-token-{MARK}"  # Kaggle's access token, given to all that the tests start
REFRESH = f"a-refresh-token-{MARK}"
KEY = f"a-key-{MARK}"
# Where Kaggle's client itself keeps credentials, and the person puts them.
OWN_FILES = ("access_token", "access_token.txt", "kaggle.json", "credentials.json", "token")
MOST = 8 << 20  # bytes of a file that are searched, at its beginning: what follows is numbers


def _in_base64(text: str) -> Iterator[bytes]:
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + text.encode())
        yield encoded[-(-before * 8 // 6) : (before + len(text)) * 8 // 6]


PATTERNS = (MARK.encode(), MARK.encode("utf-16-le"), *_in_base64(MARK))


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
            with open(path, "rb", buffering=0) as file:
                content = file.read(MOST)
        except OSError:  # it is gone
            continue
        if places := [at for one in PATTERNS if (at := content.find(one)) >= 0]:
            found.append(f"{path}: byte {min(places)}")
    return found


def _files(folders: Iterable[Path]) -> Iterator[str]:
    for folder in folders:
        for place, _, names in os.walk(folder):
            yield from (os.path.join(place, name) for name in names if name not in OWN_FILES)
