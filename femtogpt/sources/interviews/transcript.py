"""The text of a transcript's file."""

from __future__ import annotations

from femtogpt.sources.archives import Member
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.text import decoded


def transcript(file: Member) -> str:
    """Return a file's text with line feeds as line ends. Raises Unreadable if there is none."""
    text = decoded(file)
    if not text.strip():
        raise Unreadable("the file is empty")
    return text.replace("\r\n", "\n").replace("\r", "\n")
