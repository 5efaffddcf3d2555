"""Captions that roll, as YouTube's automatic ones do: each line shown two or three times.

The screen has two lines: the lower one is new, the upper one is the lower one of before. Between
two such captions stands one of 10 ms with the upper line alone. Converted to SRT, or joined to
one line by some program, they keep their repetitions. Here each line comes out once, also where
somebody says the same twice («да», «да»).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from femtogpt.sources.interviews.cues import Cue

SHORT = 0.05  # seconds, in which nobody says a line
TOUCH = 0.1  # seconds between captions that follow each other without a pause


def unrolled(cues: Sequence[Cue]) -> list[Cue]:
    """The captions, each with what it adds alone; those that add nothing go."""
    cues = [cue for cue in cues if cue.lines]
    kept = [cue for before, cue in pairwise([None, *cues]) if not _is_held(before, cue)]
    if _rolls_by_lines(kept):
        return _by_lines(kept)
    if _rolls_by_words(kept, sure=len(kept) < len(cues)):
        return _by_words(kept)
    return _without_doubles(kept)


def _is_held(before: Cue | None, cue: Cue) -> bool:
    """Whether it is one of 10 ms, which only holds a line of before on the screen."""
    if before is None or not _touch(before, cue) or cue.end - cue.start > SHORT:
        return False
    return " ".join(before.lines).endswith(" ".join(cue.lines))


def _rolls_by_lines(cues: Sequence[Cue]) -> bool:
    """Whether most captions of several lines begin with the last ones of the one before."""
    several = [
        _overlap(before.lines, cue.lines) > 0
        for before, cue in pairwise(cues)
        if len(cue.lines) > 1
    ]
    return sum(several) * 2 > len(several) and len(several) * 4 >= len(cues) - 1


def _by_lines(cues: Sequence[Cue]) -> list[Cue]:
    """Each caption without the lines that were on the screen before; at least one is new.

    A caption that only repeats what is there, without a pause, adds nothing; of two equal lines
    the second is new, for the first can be the old one.
    """
    result: list[Cue] = []
    before: Cue | None = None
    for cue in cues:
        lines = cue.lines
        screen = before.lines if before else ()
        repeats = screen[-len(lines) :] == lines and _touch(before, cue)
        if not (repeats and (len(lines) == 1 or len(set(lines)) > 1)):
            old = _overlap(screen, lines)
            result.append(replace(cue, lines=lines[old:]))
        before = cue
    return result


def _overlap(screen: tuple[str, ...], lines: tuple[str, ...]) -> int:
    """How many of the first lines, but not all, are the last ones of the screen."""
    most = min(len(screen), len(lines) - 1)
    return next((n for n in range(most, 0, -1) if screen[-n:] == lines[:n]), 0)


def _rolls_by_words(cues: Sequence[Cue], sure: bool) -> bool:
    """Whether captions of one line begin with what the one before has added, nearly all.

    ``sure``: there were captions of 10 ms, which no others have.
    """
    if any(len(cue.lines) > 1 for cue in cues):
        return False
    begun = [
        bool(old and new)
        for (before, cue), (old, new) in zip(pairwise(cues), _added(cues)[1:], strict=True)
        if _touch(before, cue)
    ]
    least, share = (1, 0.5) if sure else (3, 0.9)
    return len(begun) >= least and sum(begun) >= share * len(begun)


def _by_words(cues: Sequence[Cue]) -> list[Cue]:
    return [
        replace(cue, lines=(" ".join(new),))
        for cue, (_, new) in zip(cues, _added(cues), strict=True)
        if new
    ]


def _added(cues: Sequence[Cue]) -> list[tuple[list[str], list[str]]]:
    """For each caption of one line, its words from the one before and those that it adds."""
    result = []
    last: list[str] = []
    for cue in cues:
        words = cue.lines[0].split()
        old = last if words[: len(last)] == last else []
        result.append((old, words[len(old) :]))
        last = words[len(old) :] or last
    return result


def _without_doubles(cues: Sequence[Cue]) -> list[Cue]:
    """Captions of which none repeats one that is still on the screen, or lights up its words."""
    result: list[Cue] = []
    for cue in cues:
        before = result[-1] if result else None
        if before is not None and before.lines == cue.lines and _is_double(before, cue):
            result[-1] = replace(before, end=cue.end, raw=cue.raw)
            continue
        result.append(cue)
    return result


def _is_double(before: Cue, cue: Cue) -> bool:
    if before.end is None or cue.start is None:
        return False
    lit = before.raw != cue.raw and re.search(r"<[ubc\d]", before.raw + cue.raw) is not None
    return cue.start < before.end or (lit and _touch(before, cue))


def _touch(before: Cue, cue: Cue) -> bool:
    """Whether a caption follows without a pause."""
    return before.end is not None and cue.start is not None and cue.start - before.end <= TOUCH
