"""Dialogue with each name on a line of its own above the speech, as in plays and transcripts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from femtogpt.sources.interviews.remarks import STAMP
from femtogpt.sources.interviews.speaker_names import opening
from femtogpt.sources.interviews.spelling import key

MIN_TURNS = 4  # two names, each twice
MAX_LINES_PER_TURN = 12  # on average; above that the names are headings
_SENTENCE_END = re.compile(r"[.!?…,;:»\")]$")
_STAMP_LINE = re.compile(rf"\s*[\[(]?{STAMP}[\])]?\s*")


def with_colons(lines: Sequence[str]) -> list[str]:
    """Add a colon to the lines that consist of a name.

    Such a line follows an empty line and precedes text that is no name. At least two names must
    repeat, and turns must be frequent enough; otherwise the lines are headings or a cast list.
    """
    candidates = [
        index
        for index, line in enumerate(lines)
        if (index == 0 or not lines[index - 1].strip()) and _is_name(line)
    ]
    below = {index: next(filter(str.strip, lines[index + 1 :]), "") for index in candidates}
    name_lines = [index for index in candidates if below[index] and not _is_name(below[index])]
    counts = Counter(key(lines[index]) for index in name_lines)
    repeated = {name for name, count in counts.items() if count > 1}
    turns = sum(counts[name] for name in repeated)
    filled = sum(1 for line in lines if line.strip())
    if len(repeated) < 2 or turns < MIN_TURNS or turns * MAX_LINES_PER_TURN < filled:
        return list(lines)
    result = list(lines)
    for index in name_lines:
        result[index] = f"{lines[index].strip()}:"
    return result


def with_stamps(lines: Sequence[str]) -> list[str]:
    """Join a timestamp on a line of its own below a name («Анна», «00:12») to the name's line."""
    result: list[str] = []
    for line in lines:
        if result and _STAMP_LINE.fullmatch(line) and _is_name(result[-1]):
            result[-1] = f"{result[-1].rstrip()} {line.strip()}"
        else:
            result.append(line)
    return result


def _is_name(line: str) -> bool:
    """Whether a line looks like a name of at most four words and does not end a sentence."""
    line = line.strip()
    if not line or len(line.split()) > 4 or _SENTENCE_END.search(line):
        return False
    name = opening(f"{line}:")
    return name is not None and name.plain and not name.rest
