"""Undoes rolling captions, as in YouTube's automatic ones: each line shown two or three times.

The screen has two lines: the lower one is new, and the upper one repeats the previous lower one.
Between two such captions comes one of 10 ms with the upper line only. Programs that convert them to
SRT or join the two lines keep the repetitions. Here each line comes out once, and a speaker's own
repetition («да», «да») is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from femtogpt.sources.interviews.cues import Cue

HELD_SECONDS = 0.05  # a caption this short holds a line on the screen; nobody speaks so fast
PAUSE_SECONDS = 0.1  # captions closer than this follow each other without a pause


def unrolled(cues: Sequence[Cue]) -> list[Cue]:
    """Reduce each caption to what it adds; those that add nothing are dropped."""
    cues = [cue for cue in cues if cue.lines]
    kept = [
        cue for before, cue in zip([None, *cues], cues, strict=False) if not _is_held(before, cue)
    ]
    if _rolls_by_lines(kept):
        return _by_lines(kept)
    if _rolls_by_words(kept, sure=len(kept) < len(cues)):
        return _by_words(kept)
    return _without_doubles(kept)


def _is_held(before: Cue | None, cue: Cue) -> bool:
    """Whether it is a caption of 10 ms that only keeps an earlier line on the screen."""
    if before is None or cue.start is None or cue.end is None:
        return False
    if not _follows(before, cue) or cue.end - cue.start > HELD_SECONDS:
        return False
    return " ".join(before.lines).endswith(" ".join(cue.lines))


def _rolls_by_lines(cues: Sequence[Cue]) -> bool:
    """Whether most captions of several lines begin with the last lines of the previous one."""
    rolls = [
        _overlap(before.lines, cue.lines) > 0
        for before, cue in pairwise(cues)
        if len(cue.lines) > 1
    ]
    return sum(rolls) * 2 > len(rolls) and len(rolls) * 4 >= len(cues) - 1


def _by_lines(cues: Sequence[Cue]) -> list[Cue]:
    """Drop the lines that were on the screen before; at least one line of a caption is new.

    A caption that only repeats the screen, without a pause, adds nothing. Of two equal lines the
    second is new, since the first can be the old one.
    """
    result: list[Cue] = []
    before: Cue | None = None
    for cue in cues:
        lines = cue.lines
        screen = before.lines if before else ()
        repeats = before is not None and screen[-len(lines) :] == lines and _follows(before, cue)
        if not (repeats and (len(lines) == 1 or len(set(lines)) > 1)):
            result.append(replace(cue, lines=lines[_overlap(screen, lines) :]))
        before = cue
    return result


def _overlap(screen: tuple[str, ...], lines: tuple[str, ...]) -> int:
    """Count how many of the first lines (never all) are the last ones of the screen."""
    limit = min(len(screen), len(lines) - 1)
    return next((n for n in range(limit, 0, -1) if screen[-n:] == lines[:n]), 0)


def _rolls_by_words(cues: Sequence[Cue], sure: bool) -> bool:
    """Whether nearly all captions of one line begin with the words that the previous one added.

    ``sure``: there were captions of 10 ms, which only rolling captions have.
    """
    if any(len(cue.lines) > 1 for cue in cues):
        return False
    rolls = [
        bool(old and new)
        for (before, cue), (old, new) in zip(pairwise(cues), _added(cues)[1:], strict=True)
        if _follows(before, cue)
    ]
    minimum, share = (1, 0.5) if sure else (3, 0.9)
    return len(rolls) >= minimum and sum(rolls) >= share * len(rolls)


def _by_words(cues: Sequence[Cue]) -> list[Cue]:
    return [
        replace(cue, lines=(" ".join(new),))
        for cue, (_, new) in zip(cues, _added(cues), strict=True)
        if new
    ]


def _added(cues: Sequence[Cue]) -> list[tuple[list[str], list[str]]]:
    """Split each caption of one line into words repeated from the previous one and new words."""
    result = []
    previous: list[str] = []
    for cue in cues:
        words = cue.lines[0].split()
        old = previous if words[: len(previous)] == previous else []
        result.append((old, words[len(old) :]))
        previous = words[len(old) :] or previous
    return result


def _without_doubles(cues: Sequence[Cue]) -> list[Cue]:
    """Drop captions that repeat one still on the screen, or highlight its words one by one."""
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
    is_karaoke = before.raw != cue.raw and re.search(r"<[ubc\d]", before.raw + cue.raw) is not None
    return cue.start < before.end or (is_karaoke and _follows(before, cue))


def _follows(before: Cue, cue: Cue) -> bool:
    """Whether a caption follows another without a pause."""
    return (
        before.end is not None and cue.start is not None and cue.start - before.end <= PAUSE_SECONDS
    )
