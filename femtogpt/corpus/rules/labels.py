"""The labels of gathered notes, the runs they form, and the headings that announce notes."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from femtogpt.corpus.rules.editorial_patterns import (
    ABOUT,
    EDITORIAL,
    HEADING,
    PART,
    PART_WORD,
    RULER,
    reads_as_note,
)
from femtogpt.corpus.rules.marks import KINDS, Marks

LONGEST_NOTE = 1500  # characters of a note that no heading announces
RULED_LINES = 12  # below a ruler, at most
PART_CHARACTERS = 400  # from a note's label to the next: more is a part of the book, if marked
SHORT_PART = 200  # characters between two sections of notes on the same part of the work
MAX_SHARE = 0.85  # of a document: longer «Комментарии» are taken for the work itself
_LABEL = re.compile(
    r"\[(?P<square>\*?\d{1,3}|\*{1,5})\]|<<(?P<angle>\d{1,3})>>"
    r"|\{(?P<curly>\d{1,3})\}|\((?P<round>\*?\d{1,3})\)"
    r"|(?P<stars>\*{1,20})(?!\s*\*)(?P<starred>\d{1,3})?"
    r"|(?P<plain>\d{1,3})(?:\)|\*{1,2})?(?![\d.…:%°-])"
)

_CANDIDATE = re.compile(r"\n[ \t\u00a0]*[\[<({*0-9]")
_ANNOUNCED = re.compile(  # the beginning of such a heading
    r"\n[^\w\n]{0,12}(?=[ПКСИОпксиn])"
    r"(?:[Пп]римечани|[Кк]омментари|[Сс]носки|[Пп]ечатные вар|[Ии]з ранних|notes|О [рпск]"
    r"|ПРИМЕЧАНИ|КОММЕНТАРИ|СНОСКИ|ПЕЧАТНЫЕ ВАР|ИЗ РАННИХ)"
)
_ARROW = re.compile(r"\n↑")
_NO_LABEL = re.compile(  # after a number that is a date, a percentage or the item of a list
    r"[.,:;)%]|(?:янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек)\w*\b|год[аеу]?\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Label:
    line: int
    number: int  # or the number of stars, if it has no other
    kind: str  # plain, item (a number and a bracket), square, angle, curly, round, starred, stars
    text: str  # of the note, on the same line
    ruled: bool  # whether a ruler is above, with no blank line between


@dataclass(frozen=True)
class Section:
    """Notes from a heading such as «Примечания» to the next part of the work or to the end."""

    start: int  # line
    end: int  # the line after its last one
    above: int  # the position in the text from which on marks refer to it


@dataclass(frozen=True)
class Note:
    label: Label
    end: int  # the line after its last one
    body: str
    apart: bool  # whether label and text are apart, as a chapter's number and its text


def labels_in(text: str, lines: list[str], starts: list[int]) -> Iterator[Label]:
    """The lines that begin with a label; ``starts`` are the positions of the lines in the text."""
    for position in [-1, *(match.start() for match in _CANDIDATE.finditer(text))]:
        index = bisect_left(starts, position + 1)
        stripped = lines[index].strip()
        match = _LABEL.match(stripped)
        if not match or match.lastgroup is None:
            continue
        kind = match.lastgroup
        label = match[kind].lstrip("*") if kind != "stars" else match[kind]
        rest = stripped[match.end() :].lstrip(" \u00a0—–-")
        if (kind == "plain" and _NO_LABEL.match(rest)) or rest.endswith("*"):
            continue
        stars = not label or label[0] == "*"
        number = len(match[kind]) if stars else int(label)
        if stars:
            kind = "stars"
        elif kind == "plain" and match[0].endswith(")"):
            kind = "item"
        yield Label(index, number, kind, rest, _ruled(lines, index))


def _ruled(lines: list[str], index: int) -> bool:
    """Whether a ruler is above a line, with no blank line between."""
    for above in range(index - 1, max(-1, index - RULED_LINES - 1), -1):
        if not lines[above].strip():
            return False
        if RULER.fullmatch(lines[above]):
            return True
    return False


class Labels:
    """The labels of a text in order, and the runs that begin at each."""

    def __init__(self, text: str, lines: list[str], starts: list[int]):
        self.lines, self.starts = lines, starts
        self.all = list(labels_in(text, lines, starts))
        self.at = [label.line for label in self.all]
        self._alike: dict[tuple[str, bool, int], list[int]] = {}
        for index, label in enumerate(self.all):
            self._alike.setdefault(_form(label), []).append(index)

    def run(self, index: int, limit: int | None) -> list[Label]:
        """The labels that count up from the one at ``index``, as far as the line ``limit``."""
        run = [self.all[index]]
        while (following := self._following(index, limit)) is not None:
            run.append(self.all[following])
            index = following
        return run

    def notes(self, run: list[Label]) -> list[Note]:
        """The notes of a run that no heading announces."""
        return [self._note(*pair) for pair in zip(run, [*run[1:], None], strict=True)]

    def first_note(self, index: int) -> Note:
        """The first note of the run that begins at ``index``."""
        following = self._following(index, None)
        return self._note(self.all[index], None if following is None else self.all[following])

    def _following(self, index: int, limit: int | None) -> int | None:
        """The next label of a run."""
        last = self.all[index]
        kind, has_text, number = _form(last)
        alike = self._alike.get((kind, has_text, number + 1), [])
        position = bisect_right(alike, index)
        if position == len(alike):
            return None
        following = alike[position]
        label = self.all[following]
        if limit is not None:
            return following if label.line < limit else None
        near = self.starts[label.line] - self.starts[last.line] <= LONGEST_NOTE
        return following if near and _follows(self.lines, last, label) else None

    def _note(self, label: Label, following: Label | None) -> Note:
        end = following.line if following else self._last_end(label)
        body = "\n".join([label.text, *self.lines[label.line + 1 : end]]).strip()
        apart = not label.text and not "".join(self.lines[label.line + 1 : label.line + 2]).strip()
        return Note(label, end, body, apart)

    def _last_end(self, label: Label) -> int:
        """The line after the last note of a run; another may follow without a blank line."""
        end = _end(self.lines, label)
        if label.text:
            return end
        for other in range(bisect_right(self.at, label.line + 1), bisect_left(self.at, end)):
            if not self.all[other].text:
                return self.at[other]
        return end

    def notes_end(self, start: int, end: int) -> int:
        """The line between two others from which on there are no notes any more, or ``end``.

        Notes have labels like the first one.
        """
        labels = self.all[bisect_left(self.at, start) : bisect_left(self.at, end)]
        labels = [label for label in labels if _form(label)[:2] == _form(labels[0])[:2]]
        ends = [*(label.line for label in labels[1:]), end]
        for label, following in zip(labels, ends, strict=False):
            if self.starts[following] - self.starts[label.line] > PART_CHARACTERS:
                return self._last_end(label)
        return end


def _form(label: Label) -> tuple[str, bool, int]:
    """What the next label of a run shares with this one, except that it counts one more."""
    return label.kind, bool(label.text), label.number


def _follows(lines: list[str], last: Label, label: Label) -> bool:
    """Whether there is nothing but the previous note between two labels."""
    if label.text:
        return label.line <= _end(lines, last) + 1
    apart = not lines[last.line + 1].strip()
    return apart or bool(lines[label.line - 1].strip())


def _end(lines: list[str], label: Label) -> int:
    """The line after a note, if it is the last of its run."""
    line = label.line + 1
    if not label.text:
        while line < len(lines) and not lines[line].strip():
            line += 1
        end = _blank(lines, line)
        block = "\n".join(lines[line:end])
        one_note = len(block) <= 600 or (
            len(block) <= LONGEST_NOTE and reads_as_note(lines[end - 1])
        )
        return end if one_note else line + 1
    if label.ruled:
        return _blank(lines, line)
    indent = _indent(lines[label.line])
    while line < len(lines) and lines[line].strip() and _indent(lines[line]) < indent:
        line += 1
    return line


def _blank(lines: list[str], line: int) -> int:
    """The next blank line, or the first one that is too far for a note to reach."""
    characters = 0
    while line < len(lines) and lines[line].strip() and characters <= LONGEST_NOTE:
        characters += len(lines[line])
        line += 1
    return line


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def sections_in(text: str, labels: Labels, marks: Marks) -> Iterator[Section]:
    """The sections of notes that a heading announces."""
    lines, starts = labels.lines, labels.starts
    headings = [bisect_left(starts, match.start() + 1) for match in _ANNOUNCED.finditer(text)]
    headings = [line for line in headings if HEADING.fullmatch(lines[line].strip(" \t\u00a0*—"))]
    if not headings:
        return
    filled = [line for line, content in enumerate(lines) if content.strip()]
    parts = [line for line in filled[bisect_right(filled, headings[0]) :] if _is_part(lines[line])]
    ends = [*headings, len(lines)]
    parts = [
        line for line in parts if _resumes(line, ends[bisect_right(ends, line)], filled, labels)
    ]
    arrows = [match.start() for match in _ARROW.finditer(text, starts[headings[0]])]
    editorial = [match.start() for match in EDITORIAL.finditer(text, starts[headings[0]])]
    above = end = last = 0
    for index in headings:
        if index < end:
            continue
        after = bisect_right(parts, index)
        end = parts[after] if after < len(parts) else len(lines)
        again = ends[bisect_right(ends, index)]
        if again < end:
            end = _part_end(index, again, end, labels, marks)
        length = starts[end] - starts[index]
        labelled = _between(labels.at, index, end)
        noted = (
            10 * labelled >= max(1, _between(filled, index, end))
            or _between(arrows, starts[index], starts[end]) > 0
            or _between(editorial, starts[index], starts[end]) >= 3
        )
        late = 5 * starts[index] >= 4 * starts[-1]
        if not (noted or late) or length > MAX_SHARE * starts[-1]:
            end = index
            continue
        while index and (not lines[index - 1].strip() or ABOUT.match(lines[index - 1])):
            index -= 1
        if starts[index] - starts[last] > SHORT_PART:  # otherwise they share the text above
            above = starts[last]
        yield Section(index, end, above)
        last = end


def _part_end(index: int, again: int, end: int, labels: Labels, marks: Marks) -> int:
    """The end of a section below which another heading follows at the line ``again``.

    If marks above that heading refer to the notes below it, each part of the book has notes.
    """
    stop = labels.notes_end(index, again)
    below = bisect_left(labels.at, again)
    if stop == again or below == len(labels.at):
        return end
    numbers = {label.number for label in labels.run(below, end)}
    part = labels.starts[stop], labels.starts[again]
    everywhere = len(numbers) > 1 and all(marks.any("plain", number, *part) for number in numbers)
    return stop if everywhere or marks.referring((*KINDS, "stars"), numbers, *part) else end


def _between(positions: list[int], start: int, end: int) -> int:
    """How many of these ascending positions are in a range."""
    return bisect_left(positions, end) - bisect_left(positions, start)


def _is_part(line: str) -> bool:
    return len(line) <= 100 and PART.fullmatch(line.strip()) is not None


def _resumes(index: int, end: int, filled: list[int], labels: Labels) -> bool:
    """Whether the work goes on at the heading of a part, which is not one of contents or notes.

    ``end`` is the line of the next heading of notes; ``filled`` are the lines that are not blank.
    """
    at = bisect_right(filled, index)
    following = filled[at : at + 8]
    if not following or _between(labels.at, following[0], following[0] + 1):
        return False
    if 5 * _between(labels.at, index, end) > 2 * _between(filled, index + 1, end):
        return False
    return sum(PART_WORD.match(labels.lines[line]) is not None for line in following) < 3
