"""Show documents of a corpus, chosen at random or by name, on a terminal."""

from __future__ import annotations

import difflib
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from femtogpt.artifacts.artifact import Artifact
from femtogpt.corpus.schema import SPLITS, parts
from femtogpt.errors import UserError

WIDTH = 96  # terminal columns
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # characters that would act on a terminal


class CorpusFile(NamedTuple):
    """A Parquet file of the corpus."""

    source: str
    part: str  # a split, or rejected
    path: Path


class Location(NamedTuple):
    """Where a document is in the corpus."""

    file: CorpusFile
    row: int
    name: str  # source/id
    title: str


def show(
    corpus: Artifact,
    id: str | None = None,
    split: str | None = None,
    source: str | None = None,
    rejected: bool = False,
    count: int = 3,
    characters: int = 600,
    seed: int | None = None,
) -> Iterator[str]:
    """Documents as text, each with a heading and at most ``characters`` of it, 0 for all.

    See ``documents`` for the other arguments. Raises UserError if no document matches.
    """
    for row in documents(corpus, id, split, source, rejected, count, seed):
        text = row["text"]
        more = len(text) - characters if characters else 0
        if more > 0:
            text = f"{text[:characters]}\n[… {more:,} more characters]"
        yield f"{heading(row)}\n{_CONTROLS.sub('', text)}\n"


def heading(row: dict[str, Any]) -> str:
    """One or two lines that identify a document."""
    fields = [row["title"] and f"«{row['title']}»", row["author"], row["year"], row["speaker"]]
    about = _line(", ".join(str(value) for value in fields if value))
    line = f"── {row['source']}/{row['id']} · {row['split']} · {len(row['text']):,} characters"
    if row.get("rule"):
        line += f" · {row['rule']}: {row['figure']}"
    line = _line(line)
    return f"{line} ".ljust(WIDTH, "─") + (f"\n   {about}" if about else "")


def _line(text: str) -> str:
    """A text on one line: the name of a file may contain line ends."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def documents(
    corpus: Artifact,
    id: str | None = None,
    split: str | None = None,
    source: str | None = None,
    rejected: bool = False,
    count: int = 3,
    seed: int | None = None,
) -> list[dict[str, Any]]:
    """Rows of the corpus with ``source`` and ``split`` (or rejected instead), in random order.

    ``id`` is a document's source/id or a part of it, or else its title; with it, both splits and
    the rejected documents are searched. Only the chosen texts are read. Raises UserError if no
    document matches.
    """
    files = _files(corpus, split, source, rejected, everything=id is not None)
    locations = [
        Location(file, row, f"{file.source}/{name}", title or "")
        for file in files
        for row, (name, title) in enumerate(
            pl.read_parquet(file.path, columns=["id", "title"]).iter_rows()
        )
    ]
    if id is not None:
        return [_row(location) for location in _find(id, locations)[:count]]
    if not locations:
        kind = "rejected documents" if rejected else "documents"
        scope = "".join(f" of {name}" for name in (split, source) if name)
        raise UserError(f"{corpus.path}: there are no such {kind}{scope}")
    sample = random.Random(seed).sample(locations, min(count, len(locations)))
    return [_row(location) for location in sample]


def _files(
    corpus: Artifact, split: str | None, source: str | None, rejected: bool, everything: bool
) -> Iterator[CorpusFile]:
    folders = {folder.name for folder in corpus.path.glob("*/source=*")}
    sources = sorted(folder.removeprefix("source=") for folder in folders)
    if source is not None and source not in sources:
        raise UserError(f"source {source!r} is not in this corpus; there are: {', '.join(sources)}")
    if everything or not rejected:
        for name in SPLITS:
            for origin, path in parts(corpus, name):
                if split in (None, name) and source in (None, origin):
                    yield CorpusFile(origin, name, path)
    if everything or rejected:
        for path in sorted(corpus.path.glob("rejected/source=*/*.parquet")):
            origin = path.parent.name.removeprefix("source=")
            if source in (None, origin):
                yield CorpusFile(origin, "rejected", path)


def _find(id: str, locations: Sequence[Location]) -> list[Location]:
    """The documents whose name equals, ends with or contains ``id``, or else whose title does.

    The first kind of match that any document has decides.
    """
    wanted = id.casefold()
    names = [location.name.casefold() for location in locations]
    titles = [location.title.casefold() for location in locations]
    for texts in (names, titles):
        for matches in (str.__eq__, str.endswith, str.__contains__):
            if fitting := [
                location
                for location, text in zip(locations, texts, strict=True)
                if matches(text, wanted)
            ]:
                return fitting
    close = difflib.get_close_matches(id, [location.name for location in locations], 1, 0.3)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise UserError(f"document {id!r} is not in this corpus{hint}")


def _row(location: Location) -> dict[str, Any]:
    source, part, path = location.file
    row = pl.read_parquet(path).row(location.row, named=True)
    return {"source": source, "split": part, **row}
