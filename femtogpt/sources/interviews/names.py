"""Who speaks: which beginnings of lines («Имя: …») are names, by the evidence of a whole file.

«И сказал он: пойдём» and «В 12:30» have a colon too. A beginning counts as a name by its shape
(short, capitalised, no sentence), by how often it begins a line, and by how much of the file
such lines make up: see ``speakers``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from femtogpt.sources.interviews.remarks import STAMP
from femtogpt.sources.interviews.spelling import key
from femtogpt.sources.interviews.words import NO_NAME, PRONOUNS, ROLES, SMALL, SPEECH

LONGEST, WORDS = 60, 6  # characters and words of a name
ALL = 0.95  # share of the lines that are turns, from which a name need not come twice
FEW, MANY = 0.02, 10  # the least share of turns among the lines; or so many turns

MARKUP = re.compile(r"\*\*|__|</?(?:b|strong|i|em)>", re.IGNORECASE)
_DATE = r"(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d\d-\d\d),?\s+"
_HEAD_STAMP = re.compile(
    rf"^[\s\[(<]*(?:{_DATE})?{STAMP}(?:\s*(?:-->|[-–—])\s*{STAMP})?[\s\])>:–—-]*(?=\D)"
)
_TAIL_STAMP = re.compile(
    rf"^([^\d:]{{2,{LONGEST}}}?(?:\d{{1,2}})?)[\s,]+[\[(]?(?:{_DATE})?{STAMP}[\])]?\s*(?::|$)"
)
_OPENING = re.compile(
    rf"""[\s>•*–—\-\[(<]*
    (?P<name>[^\s:()\[\]<>][^:()\[\]<>]{{0,{LONGEST - 1}}}?)\s*
    [\])>]?\s*(?:\([^()]*\)\s*|\[[^\[\]]*\]\s*)?,?\s*
    :(?P<rest>(?![/\d]).*)""",
    re.VERBOSE,
)
_WORD = re.compile(r"[A-ZА-ЯЁ][\w’'-]*\.?|\d{1,2}-[йяе]|№?\d{1,3}|[IVX]+")
_SENTENCE = re.compile(r"[!?;…“”„\"«»/\\@#=+|]|--")
_LETTER = re.compile(r"[^\W\d_]")
_OFF_STAGE = re.compile(r"(?i)^за\s+(?:сценой|кадром|кулисами)[\s,]+(\w)")
_QUOTED = re.compile(r"^«([^«»]+)»$")  # a paper that asks: «Афиша»: …
_GLUED = re.compile(r"\.(?=[^\W\d_])")
_NUMBERED = re.compile(r"(?i)(вопрос|ответ)\s*№?\s*\d+")
_DOTTED = re.compile(
    r"^\s*([ВОQA]|[А-ЯЁ][А-ЯЁ-]+(?:\s[А-ЯЁ][А-ЯЁ-]+){0,3})(\s*\([^()]*\))?\.:?\s+(?=\S)"
)

_CAPITAL = r"[А-ЯЁA-Z][\w’'-]*\.?"
_NAMED_BY_DASH = re.compile(  # and what is said begins with a capital letter
    rf"^\s*((?:{_CAPITAL}|\d{{1,2}}-[йяе]\s\w+)(?:(?:\s(?:и\s)?|(?<=\.)){_CAPITAL}){{0,3}})(\s*\([^()]*\))?"
    r"\s+(?:--?|[–—―])\s+((?=[«\"“(…\[]*[А-ЯЁA-Z\d]).*)"
)


@dataclass(frozen=True, slots=True)
class Opening:
    """A line's beginning that may name who speaks."""

    name: str
    rest: str  # the line after the colon
    plain: bool  # every word of the name is capitalised, a title or a number
    stamped: bool = False  # only a time follows the name: «Анна 00:12»


def opening(line: str) -> Opening | None:
    """What stands before the colon, where it has the shape of a name."""
    line = _HEAD_STAMP.sub("", MARKUP.sub("", line))
    line, stamps = _TAIL_STAMP.subn(r"\1: ", line)
    found = _OPENING.match(line)
    if not found:
        return None
    name = " ".join(_GLUED.sub(". ", found["name"]).split()).strip(" ,;")
    name = _QUOTED.sub(r"\1", name)
    name = _OFF_STAGE.sub(lambda voice: voice[1].upper(), name)
    if numbered := _NUMBERED.fullmatch(name):
        name = numbered[1]
    words = name.split()
    if not words or len(words) > WORDS or _SENTENCE.search(name) or not _LETTER.search(name):
        return None
    if name.count(",") > 1 or any(word[-1] == "." and not _is_short(word) for word in words[:-1]):
        return None  # it is a sentence, or one ends before the colon
    if not _WORD.fullmatch(words[0].rstrip(",")):
        return None
    plain = all(_WORD.fullmatch(word) or word.rstrip(".").casefold() in SMALL for word in words)
    rest = found["rest"].strip()
    if line.lstrip().startswith("[") and rest.endswith("]") and "[" not in rest:
        rest = rest[:-1]  # the whole line stands in brackets
    return Opening(name, rest, plain, stamped=plain and stamps > 0 and not rest)


def speakers(lines: Sequence[str]) -> frozenset[str]:
    """The keys of the names that begin turns in these lines; none where it is no dialogue.

    A name comes at least twice (three times where others come ten times), unless nearly all
    lines are turns, or it is a role, of several capitalised words, or made up of names found.
    Of names that stand alone with a time («Анна 00:12») all count, if there are several.
    """
    filled = [line for line in lines if line.strip()]
    openings = list(filter(None, map(_candidate, filled)))
    counts = Counter(key(found.name) for found in openings)
    if not counts:
        return frozenset()
    everything = len(openings) >= ALL * len(filled) or _begins_blocks(lines, len(openings))
    least = 3 if max(counts.values()) >= MANY and not everything else 2
    known = {name for name, count in counts.items() if count >= least}
    stamped = {key(found.name) for found in openings if found.stamped}
    if len(stamped) > 1:
        known |= stamped
    for found in openings:
        name = key(found.name)
        if everything or _is_certain(found, known) or (counts[name] > 1 and _is_named(found)):
            known.add(name)
    turns = sum(counts[name] for name in known)
    share = turns / len(filled)
    if len(known) > 1:
        enough = turns >= 2 and (share >= FEW or turns >= MANY)
    else:
        enough = turns >= 2 and share >= 0.5
    glossary = turns >= MANY and 2 * len(known) > turns  # nobody comes again
    return frozenset(known) if enough and not glossary else frozenset()


def split(line: str, known: Collection[str]) -> tuple[str, str] | None:
    """(name, the rest) of a line that begins with one of the known names."""
    found = opening(line)
    return (found.name, found.rest) if found and key(found.name) in known else None


def dotted(lines: Sequence[str]) -> list[str]:
    """«В. Откуда вы?», «О. Из Твери.» and «СОФЬЯ. Вы здесь?» with a colon for the full stop.

    Where at least a third of the lines begin so, in two ways at least, of which each comes again:
    else they are initials («В. Петров») or cries.
    """
    marks = Counter(found[1] for found in map(_DOTTED.match, lines) if found)
    again = {mark for mark, count in marks.items() if count > 1}
    meant = {mark for mark in again if len(mark) > 1}
    for pair in ({"В", "О"}, {"Q", "A"}):
        meant |= pair if pair <= again else set()
    turns = sum(marks[mark] for mark in meant)
    if len(meant) < 2 or 3 * turns < sum(1 for line in lines if line.strip()):
        return list(lines)

    def with_colon(found: re.Match[str]) -> str:
        is_meant = found[1] in meant or len(found[1]) > 1
        return f"{found[1]}{found[2] or ''}: " if is_meant else found[0]

    return [_DOTTED.sub(with_colon, line) for line in lines]


def dash_named(lines: Sequence[str]) -> list[str]:
    """«Анна — Вы здесь?» with a colon for the dash.

    Where at least half of the lines begin so, by two names at least that each come again, and
    somebody asks something: else they are definitions («Абак — счёты»), verse, fixtures.
    """
    found = [line for line in map(_NAMED_BY_DASH.match, lines) if line and not _is_word(line[1])]
    counts = Counter(key(line[1]) for line in found)
    meant = {name for name, count in counts.items() if count > 1}
    turns = [line for line in found if key(line[1]) in meant]
    filled = sum(1 for line in lines if line.strip())
    if len(meant) < 2 or len(turns) < max(4, filled / 2) or not any("?" in t[3] for t in turns):
        return list(lines)
    return [_NAMED_BY_DASH.sub(r"\1\2: \3", line) for line in lines]


def _is_word(name: str) -> bool:
    """Whether it begins as a sentence does: «Но», «Он»."""
    return name.split()[0].casefold() in NO_NAME | PRONOUNS  # «А.» is an initial, «А» is none


def _is_short(word: str) -> bool:
    """Whether a word with a full stop is an initial or an abbreviation."""
    bare = word.rstrip(".").casefold()
    return len(bare) < 3 or bare in SMALL or bare in ROLES


def _candidate(line: str) -> Opening | None:
    found = opening(line)
    return found if found and not _is_sentence(found) else None


def _begins_blocks(lines: Sequence[str], openings: int) -> bool:
    """Whether what looks like a name stands at the start of nearly each block of lines, only."""
    starts = [
        line for before, line in pairwise(["", *lines]) if line.strip() and not before.strip()
    ]
    turns = sum(1 for line in starts if _candidate(line))
    return len(starts) > 1 and turns >= max(openings, ALL * len(starts))


def _is_sentence(found: Opening) -> bool:
    """«И сказал он», «Например»: before the colon stands what is no name."""
    words = [word.strip(".,") for word in found.name.casefold().split()]
    if len(words[0]) > 1 and words[0] in NO_NAME:
        return True
    if found.plain and len(words) == 1:
        return False
    return (words[0] in PRONOUNS and len(words) > 2) or SPEECH.search(found.name) is not None


def _is_certain(found: Opening, known: Collection[str]) -> bool:
    """Whether a name may come a single time: a role, or one made of the others."""
    parts = [key(part) for part in re.split(r",| и ", found.name)]
    return key(found.name) in ROLES or (len(parts) > 1 and all(part in known for part in parts))


def _is_named(found: Opening) -> bool:
    """Whether it is written as a name and a surname: of several words, all capitalised."""
    return found.plain and len(found.name.split()) > 1
