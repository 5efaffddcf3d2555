"""Output that never fails, whatever the terminal can show and the locale says."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

UNSHOWN = "backslashreplace"  # how a character appears that the terminal's encoding lacks


def speak_plainly() -> None:
    """Have this program print any text, and name files in UTF-8. Every command begins with this.

    What the terminal's encoding lacks appears as an escape. If the locale names files otherwise
    (``ru_RU.KOI8-R``; ``C`` with Python's UTF-8 mode off), the program starts anew in that mode:
    a text's name would be another file with each locale. The terminal keeps its own encoding.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not if it is replaced, or closed
            stream.reconfigure(errors=UNSHOWN)
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        _start_anew()


def _start_anew() -> NoReturn:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    os.environ |= {"PYTHONUTF8": "1", "PYTHONIOENCODING": f"{encoding}:{UNSHOWN}"}
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
