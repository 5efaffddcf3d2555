"""Cut from train texts what also occurs in held-out ones.

A model may have memorised any part of a held-out work that it was trained on, and its held-out loss
then looks better than it is. Holding out whole works is not enough: a story is reprinted in a
collection, a letter is quoted, or the same work comes from two sources with different line breaks
and punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from femtogpt.corpus.match_index import Characters, Letters, Match, MatchIndex, merge_spans
from femtogpt.corpus.packed_texts import PackedTexts

LONG_LINE = 2_000  # characters: a longer line is cut by sentences, a longer sentence by words
EDGE_CHARACTERS = 20  # a line stays if a match only touches so few characters at its edge
_SENTENCE_END = re.compile(r"[.!?…][^\w\s]{0,3}\s+")


class HeldOutIndex:
    """Indexes the held-out texts to find the spans that a train text shares with them.

    A span is shared if ``length`` characters are equal one by one, or if half as many letters are,
    whatever is between them: two editions of a work have hardly a line with equal characters.
    """

    def __init__(self, texts: Iterable[str], length: int):
        """Takes 100 MB for 60 million characters."""
        self.length = length
        packed = PackedTexts(texts)
        self._characters = MatchIndex(packed, length)
        self._letters = MatchIndex(packed, length // 2, Letters)

    def matches(self, text: str) -> list[Match]:
        """The spans that also occur in a held-out text, by start.

        They may overlap; merged, they cover everything shared. Empty only if nothing is shared.
        """
        letters = Letters(text)
        matches = self._letters.matches(letters)
        for start, end in self._sparse_parts(letters.positions, len(text)):
            for match in self._characters.matches(Characters(text[start:end])):
                matches.append(match._replace(start=start + match.start, end=start + match.end))
        return sorted(matches)

    def _sparse_parts(self, letters: np.ndarray, size: int) -> list[tuple[int, int]]:
        """The parts of a text where ``length`` characters have too few letters for a match.

        ``letters``: the positions of the letters in a text of ``size`` characters.
        """
        least = self._letters.length
        edges = np.concatenate([[-1], letters, [size]])
        if len(edges) <= least:
            return [(0, size)]
        first = np.flatnonzero(edges[least:] - edges[:-least] > self.length)
        starts, ends = edges[first] + 1, edges[first + least]
        return merge_spans(zip(starts.tolist(), ends.tolist(), strict=True))


def remove_overlap(text: str, index: HeldOutIndex) -> tuple[str, int]:
    """A train text without its held-out spans, and the number of characters removed."""
    remaining = text
    while matches := index.matches(
        remaining
    ):  # removing a span may bring parts of another together
        remaining = remove_spans(remaining, matches)
    return remaining, len(text) - len(remaining)


def remove_spans(text: str, spans: Iterable[tuple]) -> str:
    """The text without the lines that overlap one of the spans or matches.

    From a line longer than LONG_LINE only the sentences are removed, and from a sentence as long
    only the words. Of the white space around a removed part, the wider stays.
    """
    removed = _merge_across_space((_widen(text, *span) for span in merge_spans(spans)), text)
    if not removed:
        return text
    size = len(text)
    pieces = [text[a:b] for (_, a), (b, _) in pairwise([(0, 0), *removed, (size, size)])]
    parts = [pieces[0].rstrip()]
    for piece, following in pairwise(pieces):
        parts += [_gap(piece, following), following.strip()]
    last = pieces[-1].rstrip()
    return "".join(parts) + (last and pieces[-1][len(last) :])


def _gap(before: str, after: str) -> str:
    """The white space to put between the pieces before and after a removed part."""
    if not before.strip() or not after.strip():
        return ""
    end, start = before[len(before.rstrip()) :], after[: len(after) - len(after.lstrip())]
    lines = max(end.count("\n"), start.count("\n"))
    return "\n" * lines + start.rpartition("\n")[2] if lines else " " * bool(end or start)


def _merge_across_space(spans: Iterable[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Spans in order, merged if they overlap, touch or have only white space between them."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        last = merged[-1][1] if merged else -1
        if start <= last or (merged and text[last:start].isspace()):
            merged[-1] = merged[-1][0], max(last, end)
        else:
            merged.append((start, end))
    return merged


def _widen(text: str, start: int, end: int) -> tuple[int, int]:
    """A span widened to whole lines, sentences or words."""
    inner = text[start:end].strip()
    if not inner:
        return start + 1, end  # it is all white space, and some of that must stay
    start = text.index(inner, start)
    end = start + len(inner)
    edge = min(EDGE_CHARACTERS, len(inner) // 8)  # punctuation or a word's end, equal by chance
    line, stop = _line(text, start)
    if stop - start <= min(edge, (stop - line) // 4):
        start = stop + 1
    line, stop = _line(text, end)
    if end - line <= min(edge, (stop - line) // 4):
        end = line - 1
    return _widen_start(text, start), _widen_end(text, end)


def _widen_start(text: str, start: int) -> int:
    line, stop = _line(text, start)
    if stop - line <= LONG_LINE:
        return line
    limit = max(line, start - LONG_LINE)
    if ends := [sentence.end() for sentence in _SENTENCE_END.finditer(text, limit, start)]:
        return ends[-1]
    return line if limit == line else text.rfind(" ", limit, start) + 1 or start


def _widen_end(text: str, end: int) -> int:
    line, stop = _line(text, end)
    if stop - line <= LONG_LINE:
        return stop
    limit = min(stop, end + LONG_LINE)
    if sentence := _SENTENCE_END.search(text, end - 1, limit):
        return sentence.end()
    return stop if limit == stop else text.find(" ", end, limit) + 1 or end


def _line(text: str, position: int) -> tuple[int, int]:
    """The start and the end of the line around a position."""
    stop = text.find("\n", position)
    return text.rfind("\n", 0, position) + 1, stop if stop >= 0 else len(text)
