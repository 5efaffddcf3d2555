"""The text at a position of a token shard."""

from __future__ import annotations

import random
import re
from bisect import bisect_right
from pathlib import Path

import numpy as np
from rich.cells import cell_len

from femtogpt.corpus.schema import SPLITS
from femtogpt.errors import UserError, nearest
from femtogpt.tokens.shards import Entry, Shard, Tokens
from femtogpt.tokens.tokenizer import Tokenizer

WIDTH = 96  # terminal columns of a line of pieces
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # characters that would act on the terminal


def show(
    folder: Path,
    shard: str | None = None,
    at: int | None = None,
    count: int = 120,
    pieces: bool = False,
    seed: int | None = None,
) -> str:
    """The text of ``count`` tokens of a shard from position ``at`` on, with its documents named.

    ``shard`` is ``split/source/number``. A shard or position left out is drawn at random, with
    ``seed`` if given: every token of all shards (or of the one given) is equally likely to come
    first. With ``pieces``, the end of each token is marked and its id is printed below it. A
    position within a character spelled in bytes is moved to include the whole character. Raises
    UserError if there is no such shard or position.
    """
    data = Tokens(folder)
    shards = {
        f"{split}/{source}/{source_shard.path.stem}": source_shard
        for split in SPLITS
        for source, source_shards in data.shards(split).items()
        for source_shard in source_shards
    }
    name, position = _locate(shards, shard, at, random.Random(seed))
    if count < 1:
        raise UserError(f"--count {count}: give 1 token or more")
    tokenizer, selected = data.tokenizer(), shards[name]
    end = min(position + count, selected.tokens)
    start, end = _whole_characters(selected.ids, tokenizer.bytes, position, end)
    lines = [f"{name}, tokens {start:,} to {end - 1:,} of {selected.tokens:,}"]
    source = name.split("/")[1]
    entries = selected.documents()
    first = bisect_right([entry.start for entry in entries], start) - 1
    for entry in entries[first:]:
        if entry.start >= end:
            break
        lines += ["", *_document(selected, entry, source, start, end, tokenizer, pieces)]
    return "\n".join(lines)


def _locate(
    shards: dict[str, Shard], name: str | None, at: int | None, rng: random.Random
) -> tuple[str, int]:
    """The name of the shard to show and the position in it."""
    if name is not None:
        name = name.removesuffix(".bin")
        if name not in shards:
            raise UserError(f"no shard {name!r}{nearest(name, shards)}; {_names(shards)}")
        shards = {name: shards[name]}
    if at is None:
        at = rng.randrange(sum(shard.tokens for shard in shards.values()))
        for name, shard in shards.items():
            if at < shard.tokens:
                return name, at
            at -= shard.tokens
    if len(shards) > 1:
        raise UserError(f"--at {at}: say in which shard; {_names(shards)}")
    [(name, shard)] = shards.items()
    if not 0 <= at < shard.tokens:
        raise UserError(f"--at {at}: {name} has tokens 0 to {shard.tokens - 1}")
    return name, at


def _names(shards: dict[str, Shard]) -> str:
    names = [*shards]
    listed = names if len(names) <= 6 else [*names[:3], "…", *names[-2:]]
    return f"there are {', '.join(listed)}"


def _whole_characters(
    ids: np.ndarray, byte_values: np.ndarray, start: int, end: int
) -> tuple[int, int]:
    """The span widened so that it cuts no character spelled in bytes."""

    def continues(position: int) -> bool:
        """Whether the token is a UTF-8 continuation byte; the -1 of other tokens is none."""
        return 0 < position < len(ids) and byte_values[ids[position]] & 0xC0 == 0x80

    while continues(start):
        start -= 1
    while continues(end):
        end += 1
    return start, end


def _document(
    shard: Shard,
    entry: Entry,
    source: str,
    start: int,
    end: int,
    tokenizer: Tokenizer,
    pieces: bool,
) -> list[str]:
    """The part of a document that is in a span: its name, its text, and its end if included."""
    first = max(0, start - entry.start - 1)
    last = min(entry.tokens, end - entry.start - 1)
    ids = shard.ids[entry.start + 1 + first : entry.start + 1 + last]
    lines = [f"── {source}/{entry.id}, from token {first:,} of {entry.tokens:,} ──"]
    if len(ids):
        lines += _pieces(ids, tokenizer) if pieces else [_visible(tokenizer.decode(ids))]
    if entry.start + entry.tokens + 1 < end:
        lines.append(f"── end of {source}/{entry.id} ──")
    return lines


def _pieces(ids: np.ndarray, tokenizer: Tokenizer) -> list[str]:
    """Lines of pieces, each followed by a mark, and below them lines of their ids."""
    lines, above, below = [], "", ""
    for id, text in zip(ids, _texts(ids, tokenizer), strict=True):
        number = str(id)
        width = max(cell_len(text), len(number))
        if cell_len(above) + width >= WIDTH:
            lines += [above, below, ""]
            above = below = ""
        above += text + " " * (width - cell_len(text)) + "│"
        below += number.rjust(width) + " "
    return [*lines, above, below]


def _texts(ids: np.ndarray, tokenizer: Tokenizer) -> list[str]:
    """Each piece as displayed; the last byte of a character is followed by the character."""
    texts, spelled = [], b""
    for id in ids:
        value = int(tokenizer.bytes[id])
        if value < 0:
            text = _visible(tokenizer.pieces[id]).replace("\n", "⏎").replace("\t", "⇥")
            texts.append("␣" * len(text) if text.isspace() else text)
            spelled = b""
            continue
        spelled = (spelled if value & 0xC0 == 0x80 else b"") + bytes([value])
        try:
            character = f"={_visible(spelled.decode())}"
        except UnicodeDecodeError:
            character = ""
        texts.append(f"<{value:02X}>{character}")
    return texts


def _visible(text: str) -> str:
    return CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
