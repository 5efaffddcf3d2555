"""A rule for notes gathered at the end of a work, chapter or page, and for their marks.

A note has a label (``12``, ``[12]``, ``(3)``, ``*``), alone on a line or before the note's text.
Consecutive labels form a run. A run is taken for notes if a heading announces it, if marks in the
text above refer to it, or if it reads like notes: «(франц.)», «(Прим. автора)». Numbered chapters,
stanzas and lists have none of these.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from itertools import accumulate

import polars as pl

from femtogpt.corpus.rules.editorial_patterns import RULER, breaks_sentence, reads_as_note
from femtogpt.corpus.rules.labels import LONGEST_NOTE, Label, Labels, Note, sections_in
from femtogpt.corpus.rules.marks import KINDS, Mark, Marks, aligned
from femtogpt.corpus.rules.rule_registry import map_texts, rule

HEADING = 80  # characters of a line that may name the work that notes belong to
SHORT_NOTE = 300  # characters of a note without a mark in a run of which others have marks
_MARK_KINDS = {  # the kinds of marks that refer to a kind of label, if no heading announces notes
    "square": ("square",),
    "angle": ("angle",),
    "curly": ("curly",),
    "round": ("round", "starred"),
    "starred": ("starred", "round"),
    "plain": ("round", "starred"),
    "item": (),  # perhaps of a list
}


@rule(
    "Adieu 1, сказал он и вышел.\n1\nпрощайте (франц.).\n\nГлава II",
    "Adieu, сказал он и вышел.\n\nГлава II",
    needs="a heading «Примечания», or marks above for half the notes, or notes that read as such",
    of_editions=True,
)
def gathered_notes(text: pl.Expr) -> pl.Expr:
    """Remove the notes gathered at the end of a work, chapter or page, and their marks."""
    announced = r"римечани|РИМЕЧАНИ|омментари|ОММЕНТАРИ|\nnotes|Сноски"
    label = (
        r"\n[ \t\u00a0]*(?:\d{1,3}(?:\)|\*{1,2})?[ \t\u00a0]*(?:\n|\pL|[«\"(\[—-])"
        r"|\[\*?\d{0,3}\]|<<\d|\{\d{1,3}\}|[¹²³]|\(\*?\d{1,3}\)"
        r"|\*{1,9}\d{0,3}[ \u00a0]*(?:\n|[^\s*]))"
    )

    def may_have(text: pl.Expr) -> pl.Expr:
        return text.str.contains(announced) | text.str.contains(label)

    return map_texts(may_have, without_notes, text)


_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def without_notes(original: str) -> str:
    """The text without its gathered notes and the marks that refer to them."""
    raised = any(digit in original for digit in "¹²³")
    text = original.translate(_RAISED) if raised else original  # the positions stay the same
    lines = text.split("\n")
    starts = [0, *accumulate([len(line) + 1 for line in lines])]  # of the lines, in the text
    labels = Labels(text, lines, starts)
    marks = Marks(text)
    sections = deque(sections_in(text, labels, marks))
    mark_spans: list[tuple[int, int]] = []
    blocks = [(section.start, section.end) for section in sections]  # of lines
    index = after = end = 0  # of labels; where unused marks begin; the end of the notes before
    while index < len(labels.all):
        start = labels.at[index]
        while sections and sections[0].end <= start:
            sections.popleft()
        section = sections[0] if sections and sections[0].start <= start else None
        if section:
            run = labels.run(index, section.end)
            run_marks = _announced_marks(run, marks, section.above, starts[section.start])
            last = run[-1].line
        else:
            if start > end:  # otherwise these notes and their marks continue those before
                after = starts[end]
            notes, run_marks = _unannounced(labels, index, marks, after)
            if not notes:
                index += 1
                continue
            ruler = start > 0 and RULER.fullmatch(lines[start - 1]) is not None
            end = notes[-1].end
            blocks.append((start - ruler, end))
            last = end - 1
        mark_spans += [(mark.start, mark.end) for mark in run_marks]
        index = bisect_right(labels.at, last)
    blocks += _headings_between(lines, sorted(blocks))
    return _cut(original, lines, starts, blocks, mark_spans)


def _headings_between(lines: list[str], blocks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Lines that name the work of the notes below them, if the text ends with such blocks."""
    headings: list[tuple[int, int]] = []
    below = len(lines)
    for start, end in reversed(blocks):
        if any(line.strip() for line in lines[end:below]):
            break
        above = next((i for i in range(start - 1, -1, -1) if lines[i].strip()), -1)
        if above < 0 or len(lines[above]) > HEADING or lines[above].rstrip()[-1] in ".,:;!?…»":
            break
        headings.append((above, start))
        below = above
    return headings if len(headings) > 1 else []


def _announced_marks(run: list[Label], marks: Marks, start: int, end: int) -> list[Mark]:
    """The marks in the text above a section that refer to a run in it, all of one kind."""
    if run[0].kind == "stars":
        return _aligned("stars", run, marks, start, end)
    kind = marks.referring(KINDS, _numbers(run), start, end)
    if kind is None:
        return _aligned("plain", run, marks, start, end)
    return [mark for label in run for mark in marks.take(kind, label.number, start, end)]


def _unannounced(
    labels: Labels, index: int, marks: Marks, after: int
) -> tuple[list[Note], list[Mark]]:
    """The notes that begin at a label without a heading, and their marks after a position.

    Both are empty if nothing shows that they are notes.
    """
    first = labels.first_note(index)
    if not _plausible(first):
        return [], []
    run, end = labels.run(index, None), labels.starts[labels.at[index]]
    if run[0].kind == "stars":
        found = _aligned("stars", run, marks, after, end)
    else:
        kinds = _MARK_KINDS[run[0].kind]
        if run[0].kind == "item" and reads_as_note(first.body):
            kinds = ("round",)
        kind = marks.referring(kinds, _numbers(run), after, end)
        if kind is not None:
            found = [m for label in run for m in marks.between(kind, label.number, after, end)]
        else:
            found = _aligned("plain", run, marks, after, end) if run[0].kind == "plain" else []
    notes = _verified(labels.notes(run), found)
    numbers = {note.label.number for note in notes}
    return notes, [mark for mark in found if mark.number in numbers]


def _numbers(run: list[Label]) -> set[int]:
    return {label.number for label in run}


def _aligned(kind: str, run: list[Label], marks: Marks, start: int, end: int) -> list[Mark]:
    """One mark of a kind for each label of a run, as far as there are, in the labels' order."""
    return aligned(marks.between(kind, label.number, start, end) for label in run)


def _plausible(note: Note) -> bool:
    """Whether the first note of a run may be one, if a mark refers to it."""
    if not 0 < len(note.body) <= LONGEST_NOTE:
        return False
    first = note.label.number == 1 or note.label.kind == "stars"
    return (first and not note.apart) or reads_as_note(note.body[-200:])


def _verified(notes: list[Note], marks: list[Mark]) -> list[Note]:
    """The notes at the beginning of a run that certainly are notes."""
    marked = {mark.number for mark in marks}
    certain = []
    for note in notes:
        if not 0 < len(note.body) <= LONGEST_NOTE:
            break
        if not reads_as_note(note.body[-200:]):
            likely = 2 * len(marked) >= len(notes) and len(note.body) <= SHORT_NOTE
            if note.apart or not (note.label.number in marked or likely):
                break
        certain.append(note)
    return certain


def _cut(
    text: str,
    lines: list[str],
    starts: list[int],
    blocks: list[tuple[int, int]],
    spans: list[tuple[int, int]],
) -> str:
    """The text without these blocks of lines and these spans."""
    cuts = []
    for start, end in spans:  # a mark may be all that separates two words
        separates = end < len(text) and text[start - 1 : start].isalpha() and text[end].isalpha()
        cuts.append((start, end, " " if separates else ""))
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
