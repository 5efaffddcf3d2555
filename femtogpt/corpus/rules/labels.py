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

LONGEST_NOTE = 1500  # characters of a note that no heading announces
RULED_LINES = 12  # below a ruler, at most
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


def run_at(
    lines: list[str], starts: list[int], labels: list[Label], index: int, limit: int | None
) -> list[Note]:
    """The notes whose labels count up from the one at ``index``, as far as the line ``limit``."""
    run = [labels[index]]
    for label in labels[index + 1 :]:
        last = run[-1]
        if limit is not None and label.line >= limit:
            break
        if limit is None and starts[label.line] - starts[last.line] > LONGEST_NOTE:
            break
        same = label.kind == last.kind and bool(label.text) == bool(last.text)
        if same and label.number == last.number + 1:
            if limit is None and not _follows(lines, last, label):
                break
            run.append(label)
    notes = []
    for label, following in zip(run, [*run[1:], None], strict=True):
        end = following.line if following else limit or _last_end(lines, label, labels)
        body = "\n".join([label.text, *lines[label.line + 1 : end]]).strip()
        apart = not label.text and not "".join(lines[label.line + 1 : label.line + 2]).strip()
        notes.append(Note(label, end, body, apart))
    return notes


def _follows(lines: list[str], last: Label, label: Label) -> bool:
    """Whether there is nothing but the previous note between two labels."""
    if label.text:
        return label.line <= _end(lines, last) + 1
    apart = not lines[last.line + 1].strip()
    return apart or bool(lines[label.line - 1].strip())


def _last_end(lines: list[str], label: Label, labels: list[Label]) -> int:
    """The line after the last note of a run; another run may follow without a blank line."""
    end = _end(lines, label)
    after = bisect_right(labels, label.line + 1, key=lambda other: other.line)
    below = (other.line for other in labels[after:] if not other.text)
    return min(end, next(below, end)) if not label.text else end


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
    while line < len(lines) and lines[line].strip():
        line += 1
    return line


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def sections_in(
    text: str, lines: list[str], starts: list[int], labels: list[Label]
) -> Iterator[tuple[int, int]]:
    """Sections of notes, as (first line, line after the last).

    They reach from a heading such as «Примечания» to the next part of the work or to the end.
    """
    labelled = [label.line for label in labels]
    end = 0
    for match in _ANNOUNCED.finditer(text):
        index = bisect_left(starts, match.start() + 1)
        if index < end or not HEADING.fullmatch(lines[index].strip(" \t\u00a0*—")):
            continue
        end = len(lines)
        for after in range(index + 1, len(lines)):
            if _resumes(lines, after, labelled):
                end = after
                break
        noted = bisect_left(labelled, end) > bisect_left(labelled, index)
        noted = noted or text.find("\n↑", starts[index], starts[end]) >= 0
        noted = noted or len(EDITORIAL.findall(text, starts[index], starts[end])) >= 3
        if not noted and 5 * starts[index] < 4 * starts[-1]:
            end = index
            continue
        if starts[end] - starts[index] > MAX_SHARE * starts[-1]:
            end = index
            continue
        while index and (not lines[index - 1].strip() or ABOUT.match(lines[index - 1])):
            index -= 1
        yield index, end


def _resumes(lines: list[str], index: int, labelled: list[int]) -> bool:
    """Whether a part of the work begins at a line, which is not one of contents or of a note."""
    if len(lines[index]) > 100 or not PART.fullmatch(lines[index].strip()):
        return False
    following = [n for n in range(index + 1, len(lines)) if lines[n].strip()]
    notes = len(labelled) - bisect_left(labelled, index)
    if not following or following[0] in labelled or 5 * notes > 2 * len(following):
        return False
    following = following[:8]
    return sum(PART_WORD.match(lines[n]) is not None for n in following) < 3
