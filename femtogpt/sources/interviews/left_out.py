"""What is no speech and left out of interviews, by kind; the source's summary tells it."""

from __future__ import annotations

from typing import Protocol

from femtogpt.sources.archives import letters_in


class LeaveOut(Protocol):
    """Told the kind of what is left out, the text, and what of it is kept."""

    def __call__(self, kind: str, text: str, kept: str = "") -> None: ...


STAMPS = "time marks left out"
REMARKS = "remarks left out"
AT_NAMES = "remarks and times at names left out"
SONGS = "songs left out"
BYLINES = "bylines left out"
CREDITS = "credits left out"
FOOTERS = "footers of services left out"
TITLES = "titles above the first turn left out"
HEADINGS = "headings left out"
SCENES = "scene descriptions left out"
FIELDS = "fields read as metadata"
NUMBERS = "numbers of questions and turns left out"
FOOTNOTES = "footnotes left out"
CODE = "code left out"
GRIDS = "tables within a text left out"
PICTURES = "captions of pictures left out"
HTML = "HTML that is no prose left out"
CAPTION_NOTES = "notes and names of captions left out"
DRAWINGS = "drawings left out"
REPEATED = "lines repeated by rolling captions left out"
SILENCE = "segments at silence left out"
LOOPS = "words repeated by the machine left out"
OTHER_FIELDS = "texts in columns or fields that are not read"


def leave_out_rest(leave_out: LeaveOut, kind: str, text: str, kept: str) -> None:
    """Tell what of a text is not kept, if it has letters or digits."""
    if text != kept and letters_in(text) > letters_in(kept):
        leave_out(kind, text, kept)


def leave_out_at_name(leave_out: LeaveOut, line: str, name: str, rest: str) -> None:
    """Tell what of a line's beginning is not the name: a remark, a time, a number."""
    beginning = line.rpartition(rest)[0] if rest else line
    leave_out_rest(leave_out, AT_NAMES, beginning, name)
