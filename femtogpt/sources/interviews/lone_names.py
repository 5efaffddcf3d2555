"""«Имя» on a line of its own, and below it what is said: as plays and transcripts have it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from femtogpt.sources.interviews.names import opening
from femtogpt.sources.interviews.remarks import STAMP
from femtogpt.sources.interviews.spelling import key

TURNS = 4  # the fewest: of two names, each twice
EACH = 12  # lines of a turn, at most, on the average: else they are headings
_ENDED = re.compile(r"[.!?…,;:»\")]$")
_STAMP_LINE = re.compile(rf"\s*[\[(]?{STAMP}[\])]?\s*")


def with_colons(lines: Sequence[str]) -> list[str]:
    """The lines, with a colon after those that are a name alone.

    Where they follow an empty line and go before another one, two names at least come again, and
    they are not too few: else they are headings, or a list of persons.
    """
    places = [
        place
        for place, line in enumerate(lines)
        if (place == 0 or not lines[place - 1].strip()) and _is_name(line)
    ]
    below = {place: next(filter(str.strip, lines[place + 1 :]), "") for place in places}
    places = [place for place in places if below[place] and not _is_name(below[place])]
    counts = Counter(key(lines[place]) for place in places)
    meant = {name for name, count in counts.items() if count > 1}
    turns = sum(counts[name] for name in meant)
    filled = sum(1 for line in lines if line.strip())
    if len(meant) < 2 or turns < TURNS or turns * EACH < filled:
        return list(lines)
    result = list(lines)
    for place in places:
        result[place] = f"{lines[place].strip()}:"
    return result


def with_stamps(lines: Sequence[str]) -> list[str]:
    """The lines, a time that stands alone below a name («Анна», «00:12») on the name's line."""
    result: list[str] = []
    for line in lines:
        if result and _STAMP_LINE.fullmatch(line) and _is_name(result[-1]):
            result[-1] = f"{result[-1].rstrip()} {line.strip()}"
        else:
            result.append(line)
    return result


def _is_name(line: str) -> bool:
    """Whether it has the shape of a name, of four words at most, and no end of a sentence."""
    line = line.strip()
    if not line or len(line.split()) > 4 or _ENDED.search(line):
        return False
    found = opening(f"{line}:")
    return found is not None and found.plain and not found.rest
