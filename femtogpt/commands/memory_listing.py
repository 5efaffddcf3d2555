"""What a text has from the training text, as ``femtogpt memory`` prints it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from femtogpt.commands.given_text import standard_input
from femtogpt.errors import UserError
from femtogpt.memorisation.index_layout import AT_LEAST
from femtogpt.memorisation.memory import Memory, memory_of, record
from femtogpt.memorisation.memory_words import name_of
from femtogpt.memorisation.text_index import Stretch, TextIndex

SHOWN_CHARACTERS = 400  # of a stretch


def read_text(name: str) -> str:
    """A file's text, or standard input's for ``-``. Raises UserError if it cannot be read."""
    if name == "-":
        return standard_input()
    try:
        return Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{name}: {error.strerror}; name a file with text, or - for standard input"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is not UTF-8: save it as UTF-8 text") from error


def as_json(index: TextIndex, text: str) -> str:
    """The text's record and its stretches, for programs."""
    stretches = [asdict(stretch) for stretch in index.stretches(text)]
    return json.dumps({**record(index, text), "stretches": stretches}, ensure_ascii=False)


def listing(index: TextIndex, text: str) -> str:
    """The text's stretches with the works that have them, or else the longest."""
    return "\n".join(_lines(text, memory_of(index, text), index))


def _lines(text: str, memory: Memory, index: TextIndex) -> Iterator[str]:
    share = f"{memory.share:.1%} of them in verbatim stretches of {AT_LEAST} or more"
    yield f"{memory.characters:,} characters, {share}"
    longest = [memory.longest] if memory.longest else []
    for stretch in index.stretches(text) or longest:
        yield from _told(text, stretch, "verbatim")
    if (nearly := memory.nearly) and nearly.changes:
        yield from _told(text, nearly, f"nearly verbatim, changes: {nearly.changes}")
        there = index.passage(nearly.work, nearly.place, nearly.place_end)
        yield f"  there: {_quoted(there)}"


def _told(text: str, stretch: Stretch, how: str) -> Iterator[str]:
    where = f"{name_of(asdict(stretch.work))}, at {stretch.place:,}"
    yield f"\n{len(stretch):,} {how}, at {stretch.start:,}: {where}"
    yield f"  {_quoted(text[stretch.start : stretch.end])}"


def _quoted(text: str) -> str:
    """A text in one line, in the middle cut if it is long."""
    line = " ".join(text.split())
    if len(line) > SHOWN_CHARACTERS:
        half = SHOWN_CHARACTERS // 2
        line = f"{line[:half]} […] {line[-half:]}"
    return f"«{line}»"
