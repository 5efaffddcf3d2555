"""Decides which line openings («Имя: …») are speakers' names, on the evidence of the whole file.

«И сказал он: пойдём» and «В 12:30» contain a colon too. An opening is accepted as a name by its
shape (short, capitalised, no sentence), by how often it begins a line, and by the share of such
lines in the file: see ``speakers``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from femtogpt.sources.interviews.name_words import NO_NAME, PRONOUNS, ROLES, SMALL, SPEECH
from femtogpt.sources.interviews.remarks import STAMP
from femtogpt.sources.interviews.spelling import key
from femtogpt.sources.interviews.turns import DIARIZED

MAX_NAME_CHARACTERS, MAX_NAME_WORDS = 60, 6
NEARLY_ALL = 0.95  # with this share of turns among the lines, a name need not occur twice
MIN_TURN_SHARE, MANY_TURNS = 0.02, 10  # a dialogue has this share of turns, or this many

MARKUP = re.compile(r"\*\*|__|</?(?:b|strong|i|em)>", re.IGNORECASE)
_DATE = r"(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d\d-\d\d),?\s+"
_HEAD_STAMP = re.compile(
    rf"^[\s\[(<]*(?:{_DATE})?{STAMP}(?:\s*(?:-->|[-–—])\s*{STAMP})?[\s\])>:–—-]*(?=\D)"
)
_TAIL_STAMP = re.compile(
    rf"^([^\d:]{{2,{MAX_NAME_CHARACTERS}}}?(?:\d{{1,2}})?)[\s,]+[\[(]?(?:{_DATE})?{STAMP}[\])]?\s*(?::|$)"
)
_OPENING = re.compile(
    rf"""[\s>•*–—\-\[(<]*
    (?P<name>[^\s:()\[\]<>][^:()\[\]<>]{{0,{MAX_NAME_CHARACTERS - 1}}}?)\s*
    [\])>]?\s*(?:\([^()]*\)\s*|\[[^\[\]]*\]\s*)?,?\s*
    :(?P<rest>(?![/\d]).*)""",
    re.VERBOSE,
)
_WORD = re.compile(r"[A-ZА-ЯЁ][\w’'-]*\.?|\d{1,2}-[йяе]|№?\d{1,3}|[IVX]+")
_SENTENCE = re.compile(r"[!?;…“”„\"«»/\\@#=+|]|--")
_LETTER = re.compile(r"[^\W\d_]")
_OFF_STAGE = re.compile(r"(?i)^за\s+(?:сценой|кадром|кулисами)[\s,]+(\w)")
_QUOTED = re.compile(r"^«([^«»]+)»$")  # a magazine as the interviewer: «Афиша»: …
_DIARIZED = re.compile(DIARIZED, re.IGNORECASE)
_GLUED = re.compile(r"\.(?=[^\W\d_])")
_NUMBERED = re.compile(r"(?i)(вопрос|ответ)\s*№?\s*\d+")
_DOTTED = re.compile(
    r"^\s*([ВОQA]|[А-ЯЁ][А-ЯЁ-]+(?:\s[А-ЯЁ][А-ЯЁ-]+){0,3})(\s*\([^()]*\))?\.:?\s+(?=\S)"
)

_CAPITAL = r"[А-ЯЁA-Z][\w’'-]*\.?"
_NAMED_BY_DASH = re.compile(  # the speech must begin with a capital letter
    rf"^\s*((?:{_CAPITAL}|\d{{1,2}}-[йяе]\s\w+)(?:(?:\s(?:и\s)?|(?<=\.)){_CAPITAL}){{0,3}})(\s*\([^()]*\))?"
    r"\s+(?:--?|[–—―])\s+((?=[«\"“(…\[]*[А-ЯЁA-Z\d]).*)"
)


@dataclass(frozen=True, slots=True)
class Opening:
    """The beginning of a line that may be a speaker's name."""

    name: str
    rest: str  # the line after the colon
    plain: bool  # every word of the name is capitalised, a title or a number
    stamped: bool = False  # only a timestamp follows the name: «Анна 00:12»


def opening(line: str) -> Opening | None:
    """Parse the text before a line's colon; None unless it has the shape of a name."""
    line = _HEAD_STAMP.sub("", MARKUP.sub("", line))
    line, stamps = _TAIL_STAMP.subn(r"\1: ", line)
    match = _OPENING.match(line)
    if not match:
        return None
    name = " ".join(_GLUED.sub(". ", match["name"]).split()).strip(" ,;")
    name = _QUOTED.sub(r"\1", name)
    name = _OFF_STAGE.sub(lambda match: match[1].upper(), name)
    if numbered := _NUMBERED.fullmatch(name):
        name = numbered[1]
    words = name.split()
    if (
        not words
        or len(words) > MAX_NAME_WORDS
        or _SENTENCE.search(name)
        or not _LETTER.search(name)
    ):
        return None
    if name.count(",") > 1 or any(word[-1] == "." and not _is_short(word) for word in words[:-1]):
        return None  # a sentence, or one that ends before the colon
    if not _WORD.fullmatch(words[0].rstrip(",")):
        return None
    plain = all(_WORD.fullmatch(word) or word.rstrip(".").casefold() in SMALL for word in words)
    rest = match["rest"].strip()
    if line.lstrip().startswith("[") and rest.endswith("]") and "[" not in rest:
        rest = rest[:-1]  # the whole line is in brackets
    return Opening(name, rest, plain, stamped=plain and stamps > 0 and not rest)


def speakers(lines: Sequence[str]) -> frozenset[str]:
    """Return the keys of the names that begin turns in these lines; none if it is no dialogue.

    A name must occur at least twice (three times if another occurs ten times), unless nearly all
    lines are turns, or the name is a role, has several capitalised words or combines other names.
    If several names occur alone with a timestamp («Анна 00:12»), all of those count.
    """
    filled = [line for line in lines if line.strip()]
    openings = list(filter(None, map(_candidate, filled)))
    counts = Counter(key(candidate.name) for candidate in openings)
    if not counts:
        return frozenset()
    all_turns = len(openings) >= NEARLY_ALL * len(filled) or _begins_blocks(lines, len(openings))
    minimum = 3 if max(counts.values()) >= MANY_TURNS and not all_turns else 2
    names = {name for name, count in counts.items() if count >= minimum}
    stamped = {key(candidate.name) for candidate in openings if candidate.stamped}
    if len(stamped) > 1:
        names |= stamped
    for candidate in openings:
        name = key(candidate.name)
        repeated_full_name = counts[name] > 1 and _is_full_name(candidate)
        if all_turns or repeated_full_name or _may_occur_once(candidate, names):
            names.add(name)
    turns = sum(counts[name] for name in names)
    share = turns / len(filled)
    if len(names) > 1:
        is_dialogue = turns >= 2 and (share >= MIN_TURN_SHARE or turns >= MANY_TURNS)
    else:
        is_dialogue = turns >= 2 and share >= 0.5
    is_glossary = turns >= MANY_TURNS and 2 * len(names) > turns  # hardly a name repeats
    return frozenset(names) if is_dialogue and not is_glossary else frozenset()


def split(line: str, names: Collection[str]) -> tuple[str, str] | None:
    """Split a line into (name, rest) if it begins with one of these names (given by their keys)."""
    start = opening(line)
    return (start.name, start.rest) if start and key(start.name) in names else None


def dotted(lines: Sequence[str]) -> list[str]:
    """Replace the full stop by a colon in «В. Откуда вы?», «О. Из Твери.», «СОФЬЯ. Вы здесь?».

    Only if at least a third of the lines begin like this, with at least two speakers who each
    repeat; otherwise these are initials («В. Петров») or exclamations.
    """
    counts = Counter(match[1] for match in map(_DOTTED.match, lines) if match)
    repeated = {name for name, count in counts.items() if count > 1}
    names = {name for name in repeated if len(name) > 1}
    for pair in ({"В", "О"}, {"Q", "A"}):
        names |= pair if pair <= repeated else set()
    turns = sum(counts[name] for name in names)
    if len(names) < 2 or 3 * turns < sum(1 for line in lines if line.strip()):
        return list(lines)

    def with_colon(match: re.Match[str]) -> str:
        is_name = match[1] in names or len(match[1]) > 1
        return f"{match[1]}{match[2] or ''}: " if is_name else match[0]

    return [_DOTTED.sub(with_colon, line) for line in lines]


def dash_named(lines: Sequence[str]) -> list[str]:
    """Replace the dash by a colon in «Анна — Вы здесь?».

    Only if at least half of the lines begin like this, with at least two names that each repeat,
    and there is a question; otherwise these are definitions («Абак — счёты»), verse or fixtures.
    """
    matches = [m for m in map(_NAMED_BY_DASH.match, lines) if m and not _begins_sentence(m[1])]
    counts = Counter(key(match[1]) for match in matches)
    names = {name for name, count in counts.items() if count > 1}
    turns = [match for match in matches if key(match[1]) in names]
    filled = sum(1 for line in lines if line.strip())
    if len(names) < 2 or len(turns) < max(4, filled / 2) or not any("?" in t[3] for t in turns):
        return list(lines)
    return [_NAMED_BY_DASH.sub(r"\1\2: \3", line) for line in lines]


def _begins_sentence(name: str) -> bool:
    """Whether it begins like a sentence: «Но», «Он»."""
    return name.split()[0].casefold() in NO_NAME | PRONOUNS  # «А» is there, the initial «А.» is not


def _is_short(word: str) -> bool:
    """Whether a word with a full stop is an initial or an abbreviation."""
    bare = word.rstrip(".").casefold()
    return len(bare) < 3 or bare in SMALL or bare in ROLES


def _candidate(line: str) -> Opening | None:
    candidate = opening(line)
    return candidate if candidate and not _is_sentence(candidate) else None


def _begins_blocks(lines: Sequence[str], openings: int) -> bool:
    """Whether the openings are at the start of nearly every block of lines, and nowhere else."""
    starts = [
        line for before, line in pairwise(["", *lines]) if line.strip() and not before.strip()
    ]
    turns = sum(1 for line in starts if _candidate(line))
    return len(starts) > 1 and turns >= max(openings, NEARLY_ALL * len(starts))


def _is_sentence(candidate: Opening) -> bool:
    """Whether the text before the colon is no name: «И сказал он», «Например»."""
    words = [word.strip(".,") for word in candidate.name.casefold().split()]
    if len(words[0]) > 1 and words[0] in NO_NAME:
        return True
    if candidate.plain and len(words) == 1:
        return False
    return (words[0] in PRONOUNS and len(words) > 2) or SPEECH.search(candidate.name) is not None


def _may_occur_once(candidate: Opening, names: Collection[str]) -> bool:
    """Whether one turn is enough: a role, a label of diarization, a combination of other names."""
    parts = [key(part) for part in re.split(r",| и ", candidate.name)]
    is_label = _DIARIZED.fullmatch(candidate.name) is not None
    is_combined = len(parts) > 1 and all(part in names for part in parts)
    return is_label or is_combined or key(candidate.name) in ROLES


def _is_full_name(candidate: Opening) -> bool:
    """Whether it looks like first name and surname: several words, all capitalised."""
    return candidate.plain and len(candidate.name.split()) > 1
