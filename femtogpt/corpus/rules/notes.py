"""Gathered notes: at a work's or a chapter's end or under a page, with the marks that point there.

A note has a label (``12``, ``[12]``, ``(3)``, ``*``), alone on a line or before the note's text.
Labels that follow each other make a run. A run is taken for notes where a heading announces it,
where marks in the text above point to it, or where it reads as notes do: «(франц.)», «(Прим.
автора)». Numbered chapters, stanzas and lists have neither.
"""

from __future__ import annotations

from itertools import accumulate

import polars as pl

from femtogpt.corpus.rules.labels import LONGEST, Note, labels_in, run_at, sections_in
from femtogpt.corpus.rules.marks import KINDS, Mark, Marks, aligned
from femtogpt.corpus.rules.registry import mapped, rule
from femtogpt.corpus.rules.signs import RULER, breaks_sentence, reads_as_note

HEADING = 80  # characters of a line that may say of which work notes are
SHORT = 300  # of a note that no mark points to, though marks point to others of its run
_POINTING = {  # labels to the marks that may point to them, where no heading announces notes
    "square": ("square",),
    "angle": ("angle",),
    "curly": ("curly",),
    "round": ("round", "starred"),
    "starred": ("starred", "round"),
    "plain": ("round", "starred"),
    "item": (),  # perhaps a list's
}


@rule(
    "Adieu 1, сказал он и вышел.\n1\nпрощайте (франц.).\n\nГлава II",
    "Adieu, сказал он и вышел.\n\nГлава II",
)
def gathered_notes(text: pl.Expr) -> pl.Expr:
    """Notes gathered at the end of a work or a chapter or under a page go, with their marks."""
    announced = r"римечани|РИМЕЧАНИ|омментари|ОММЕНТАРИ|\nnotes|Сноски"
    label = (
        r"\n[ \t\u00a0]*(?:\d{1,3}(?:\)|\*{1,2})?[ \t\u00a0]*(?:\n|\pL|[«\"(\[—-])"
        r"|\[\*?\d{0,3}\]|<<\d|\{\d{1,3}\}|[¹²³]|\(\*?\d{1,3}\)"
        r"|\*{1,9}\d{0,3}[ \u00a0]*(?:\n|[^\s*]))"
    )

    def may_have(text: pl.Expr) -> pl.Expr:
        return text.str.contains(announced) | text.str.contains(label)

    return mapped(may_have, without_notes, text)


_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def without_notes(original: str) -> str:
    """The text without its gathered notes and the marks that point to them."""
    raised = any(digit in original for digit in "¹²³")
    text = original.translate(_RAISED) if raised else original  # places stay the same
    lines = text.split("\n")
    starts = [0, *accumulate([len(line) + 1 for line in lines])]  # of the lines, in the text
    labels = list(labels_in(text, lines, starts))
    sections = list(sections_in(text, lines, starts, labels))
    marks = Marks(text)
    gone: list[tuple[int, int]] = []  # spans of the text
    blocks = [*sections]  # of lines
    index = after = end = 0  # of labels; of marks not yet pointed by; of the notes before
    while index < len(labels):
        start = labels[index].line
        section = next((s for s in sections if s[0] <= start < s[1]), None)
        run = run_at(lines, starts, labels, index, section[1] if section else None)
        if start > end:  # else these notes go on from those before, and so do the marks
            after = starts[end]
        if section:
            pointing = _pointing(run, marks, 0, starts[section[0]], announced=True)
        elif _plausible(run[0]):
            pointing = _pointing(run, marks, after, starts[start], announced=False)
            run = _verified(run, pointing)
        else:
            run = []
        if not run:
            index += 1
            continue
        numbers = {note.label.number for note in run}
        gone += [(mark.start, mark.end) for mark in pointing if mark.number in numbers]
        last = run[-1].label.line
        if not section:
            ruler = start > 0 and RULER.fullmatch(lines[start - 1]) is not None
            end = run[-1].end
            blocks.append((start - ruler, end))
            last = end - 1
        while index < len(labels) and labels[index].line <= last:
            index += 1
    blocks += _headings_between(lines, sorted(blocks))
    return _cut(original, lines, starts, blocks, gone)


def _headings_between(lines: list[str], blocks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Lines that say of which work the notes below are, where a text ends with such blocks."""
    headings: list[tuple[int, int]] = []
    below = len(lines)
    for place in range(len(blocks) - 1, -1, -1):
        start, end = blocks[place]
        if any(line.strip() for line in lines[end:below]):
            break
        above = next((i for i in range(start - 1, -1, -1) if lines[i].strip()), -1)
        if above < 0 or len(lines[above]) > HEADING or lines[above].rstrip()[-1] in ".,:;!?…»":
            break
        headings.append((above, start))
        below = above
    return headings if len(headings) > 1 else []


def _pointing(run: list[Note], marks: Marks, start: int, end: int, announced: bool) -> list[Mark]:
    """The marks that point to these notes, all of one kind, between two places of the text."""
    label = run[0].label
    order = [note.label.number for note in run]
    numbers = set(order)
    if label.kind == "stars":
        return aligned(order, [mark for mark in marks.all(start, end) if mark.kind == "stars"])
    kinds = KINDS if announced else _POINTING[label.kind]
    if label.kind == "item" and reads_as_note(run[0].body):
        kinds = ("round",)
    for kind in kinds:
        found = marks.square(start, end) if kind == "square" else marks.all(start, end)
        found = [mark for mark in found if mark.kind == kind and mark.number in numbers]
        if 2 * len({mark.number for mark in found}) >= len(numbers):
            return found
    if label.kind != "plain" and not announced:
        return []
    plain = [m for m in marks.all(start, end) if m.kind == "plain" and m.number in numbers]
    return aligned(order, plain)


def _plausible(note: Note) -> bool:
    """Whether the first note of a run may be one, if a mark points to it."""
    if not 0 < len(note.body) <= LONGEST:
        return False
    first = note.label.number == 1 or note.label.kind == "stars"
    return (first and not note.apart) or reads_as_note(note.body[-200:])


def _verified(run: list[Note], pointing: list[Mark]) -> list[Note]:
    """The notes at the run's beginning that are sure to be notes."""
    pointed = {mark.number for mark in pointing}
    sure = []
    for note in run:
        if not 0 < len(note.body) <= LONGEST:
            break
        if not reads_as_note(note.body[-200:]):
            among = 2 * len(pointed) >= len(run) and len(note.body) <= SHORT
            if note.apart or not (note.label.number in pointed or among):
                break
        sure.append(note)
    return sure


def _cut(
    text: str,
    lines: list[str],
    starts: list[int],
    blocks: list[tuple[int, int]],
    gone: list[tuple[int, int]],
) -> str:
    """The text without these blocks of lines and these spans."""
    cuts = []
    for start, end in gone:  # a mark may be all that parts two words
        parts = end < len(text) and text[start - 1 : start].isalpha() and text[end].isalpha()
        cuts.append((start, end, " " if parts else ""))
    for begin, end in blocks:
        start, stop, between = starts[begin], min(starts[end], len(text)), ""
        if begin and end < len(lines) and breaks_sentence(lines[begin - 1], lines[end]):
            start, between = start - 1, " "
            stop += len(lines[end]) - len(lines[end].lstrip())
        cuts.append((start, stop, between))
    pieces, at = [], 0
    for start, end, between in sorted(cuts):
        if start >= at:
            pieces += [text[at:start], between]
        at = max(at, end)
    return "".join([*pieces, text[at:]])
