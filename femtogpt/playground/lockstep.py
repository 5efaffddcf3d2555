"""Several texts written at once, of one pace and one length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Parts = Iterator[tuple[int, str]]  # the number of a text and what it goes on with, perhaps nothing
LONGEST_END = 40  # characters that a text may take to end its last word


def lockstep(texts: Sequence[Iterator[str]], characters: int) -> Parts:
    """Parts of texts as they are written, always of the shortest one.

    So none runs ahead because its model has longer pieces. Each ends with the word in which it
    reaches ``characters`` characters, if not by itself.
    """
    lengths = dict.fromkeys(range(len(texts)), 0)  # of those that are not at their end
    while lengths:
        number = min(lengths, key=lambda number: lengths[number])
        part = next(texts[number], None)
        if part is None:
            del lengths[number]
            continue
        end = _word_end(part, characters - lengths[number])
        lengths[number] += len(part)
        if end is not None:
            del lengths[number]
        yield number, part[:end]


def _word_end(part: str, left: int) -> int | None:
    """Where a text ends that has ``left`` characters left, fewer than none in its last word."""
    latest = left + LONGEST_END
    places = range(max(0, left), min(latest, len(part)))
    ends = (place for place in places if not part[place].isalnum())
    return next(ends, latest if len(part) > latest else None)


def evened(parts: Parts, size: int = 8) -> Parts:
    """The same texts in parts of ``size`` characters: those of a model tell its vocabulary."""
    held: dict[int, str] = {}
    for number, part in parts:
        text = held.get(number, "") + part
        cut = len(text) // size * size
        held[number] = text[cut:]
        yield number, text[:cut]
    yield from held.items()
