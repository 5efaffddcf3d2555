"""Cuts from train texts what stands in held-out ones too.

A model that has read a stretch of a held-out work knows it by heart, and its held-out figure says
less than it seems to. Whole works held out are not enough: a story stands inside of a collection,
a letter is quoted, one work comes from two sources, with other lines, quotation marks and names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from femtogpt.corpus.match_index import Characters, Index, Letters, Stretch, runs
from femtogpt.corpus.packed_documents import Packed

LONG = 2_000  # characters: a longer line is cut by sentences, a longer sentence by words
EDGE = 20  # characters: a line stays of which a stretch has so few, and not much, at its edge
_SENTENCE = re.compile(r"[.!?…][^\w\s]{0,3}\s+")


class Blocks:
    """The held-out texts, to find in train ones what stands in both.

    Shared are ``length`` characters, one by one the same, and also half as many letters, whatever
    stands between them: of two editions of a work, hardly a line is the same in every character.
    """

    def __init__(self, texts: Iterable[str], length: int):
        """Takes 100 MB for 60 million characters."""
        self.length = length
        packed = Packed(texts)
        self._exact = Index(packed, length)
        self._letters = Index(packed, length // 2, Letters)

    def shared(self, text: str) -> list[Stretch]:
        """The stretches that also stand in a held-out text, by start.

        They may overlap; all that is shared lies in the runs that they form. Empty only where
        nothing is shared.
        """
        seen = Letters(text)
        found = self._letters.shared(seen)
        for start, end in self._bare(seen.places, len(text)):
            for one in self._exact.shared(Characters(text[start:end])):
                found.append(one._replace(start=start + one.start, end=start + one.end))
        return sorted(found)

    def _bare(self, letters: np.ndarray, size: int) -> list[tuple[int, int]]:
        """The parts of a text in which ``length`` characters have too few letters to be found.

        ``letters``: the places of the letters in a text of ``size`` characters.
        """
        few = self._letters.length
        edges = np.concatenate([[-1], letters, [size]])
        if len(edges) <= few:
            return [(0, size)]
        bare = np.flatnonzero(edges[few:] - edges[:-few] > self.length)
        return runs(zip((edges[bare] + 1).tolist(), edges[bare + few].tolist(), strict=True))


def cleared(text: str, blocks: Blocks) -> tuple[str, int]:
    """The train text without what ``blocks`` know, and how many characters it has lost."""
    left = text
    while stretches := blocks.shared(left):  # again: what now stands together may be shared
        left = cut(left, stretches)
    return left, len(text) - len(left)


def cut(text: str, spans: Iterable[tuple]) -> str:
    """The text without the lines that some spans of it, or stretches, touch.

    Of a line longer than LONG only the sentences go, and of such a sentence only the words. Where
    something went, the wider of the two gaps around it stays.
    """
    gone = _joined((_widened(text, *run) for run in runs(spans)), text)
    size = len(text)
    left = [text[a:b] for (_, a), (b, _) in pairwise([(0, 0), *gone, (size, size)])]
    parts = [left[0].rstrip()]
    for one, other in pairwise(left):
        parts += [_gap(one, other), other.strip()]
    end = left[-1].rstrip() and left[-1][len(left[-1].rstrip()) :]
    return "".join(parts) + end if gone else text


def _gap(left: str, right: str) -> str:
    """What stands between two pieces of a text, between which something went."""
    if not left.strip() or not right.strip():
        return ""
    end, start = left[len(left.rstrip()) :], right[: len(right) - len(right.lstrip())]
    lines = max(end.count("\n"), start.count("\n"))
    return "\n" * lines + start.rpartition("\n")[2] if lines else " " * bool(end or start)


def _joined(spans: Iterable[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Spans in order; those that overlap, touch or have only space between them become one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        last = joined[-1][1] if joined else -1
        if start <= last or (joined and text[last:start].isspace()):
            joined[-1] = joined[-1][0], max(last, end)
        else:
            joined.append((start, end))
    return joined


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    """A stretch made of whole lines, sentences or words."""
    inner = text[start:end].strip()
    if not inner:
        return start + 1, end  # it is all space: some of it must stay
    start = text.index(inner, start)
    end = start + len(inner)
    few = min(EDGE, len(inner) // 8)  # a mark or the end of a word, the same by chance
    line, stop = _line(text, start)
    if stop - start <= min(few, (stop - line) // 4):
        start = stop + 1
    line, stop = _line(text, end)
    if end - line <= min(few, (stop - line) // 4):
        end = line - 1
    return _start(text, start), _end(text, end)


def _start(text: str, at: int) -> int:
    line, stop = _line(text, at)
    near = max(line, at - LONG)
    if stop - line <= LONG:
        return line
    if ends := [found.end() for found in _SENTENCE.finditer(text, near, at)]:
        return ends[-1]
    return line if near == line else text.rfind(" ", near, at) + 1 or at


def _end(text: str, at: int) -> int:
    line, stop = _line(text, at)
    near = min(stop, at + LONG)
    if stop - line <= LONG:
        return stop
    if found := _SENTENCE.search(text, at - 1, near):
        return found.end()
    return stop if near == stop else text.find(" ", at, near) + 1 or at


def _line(text: str, at: int) -> tuple[int, int]:
    """The start and the end of the line around a place."""
    stop = text.find("\n", at)
    return text.rfind("\n", 0, at) + 1, stop if stop >= 0 else len(text)
