"""Documents of a corpus, chosen at random or by name, as text for a terminal."""

from __future__ import annotations

import difflib
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from femtogpt.artifacts.artifact import Artifact
from femtogpt.corpus.schema import SPLITS, parts
from femtogpt.errors import UserError

WIDTH = 96
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what would steer a terminal


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
    """Documents with what is known of them, each as one text; all characters where 0 is asked for.

    Raises UserError where there is none of that kind.
    """
    for row in documents(corpus, id, split, source, rejected, count, seed):
        text = row["text"]
        left = len(text) - characters if characters else 0
        if left > 0:
            text = f"{text[:characters]}\n[… {left:,} characters more]"
        yield f"{heading(row)}\n{_CONTROLS.sub('', text)}\n"


def heading(row: dict) -> str:
    """One line, or two, that say which document it is."""
    known = [row["title"] and f"«{row['title']}»", row["author"], row["year"], row["speaker"]]
    about = _line(", ".join(str(part) for part in known if part))
    line = f"── {row['source']}/{row['id']} · {row['place']} · {len(row['text']):,} characters"
    if row.get("rule"):
        line += f" · {row['rule']}: {row['figure']}"
    line = _line(line)
    return f"{line} ".ljust(WIDTH, "─") + (f"\n   {about}" if about else "")


def _line(text: str) -> str:
    """A text on one line: a file's name may hold line ends."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def documents(
    corpus: Artifact,
    id: str | None = None,
    split: str | None = None,
    source: str | None = None,
    rejected: bool = False,
    count: int = 3,
    seed: int | None = None,
) -> list[dict]:
    """Rows of the corpus with ``source`` and ``place`` (a split, or rejected), in random order.

    ``id`` is a document's source/id or a part of it, or else its title: then all places are
    searched. Only the chosen texts are read. Raises UserError where nothing fits.
    """
    places = list(_places(corpus, split, source, rejected, everything=id is not None))
    names = [
        (place, number, f"{place[0]}/{name}", title or "")
        for place in places
        for number, (name, title) in enumerate(
            pl.read_parquet(place[2], columns=["id", "title"]).iter_rows()
        )
    ]
    if id is not None:
        return [_row(name) for name in _named(id, names)[:count]]
    if not names:
        what = "rejected documents" if rejected else "documents"
        raise UserError(f"{corpus.path}: there are no such {what}{_of(split, source)}")
    chosen = random.Random(seed).sample(names, min(count, len(names)))
    return [_row(name) for name in chosen]


Place = tuple[str, str, Path]  # source, split or "rejected", file
Name = tuple[Place, int, str, str]  # place, row, source/id, title


def _places(
    corpus: Artifact, split: str | None, source: str | None, rejected: bool, everything: bool
) -> Iterator[Place]:
    known = {file.parent.name for file in corpus.path.glob("*/source=*/*")}
    known |= {folder.name for folder in corpus.path.glob("*/source=*")}
    sources = sorted(name.removeprefix("source=") for name in known if name.startswith("source="))
    if source is not None and source not in sources:
        raise UserError(f"source {source!r} is not in this corpus; there are: {', '.join(sources)}")
    if everything or not rejected:
        for name in SPLITS:
            for origin, file in parts(corpus, name):
                if split in (None, name) and source in (None, origin):
                    yield origin, name, file
    if everything or rejected:
        for file in sorted(corpus.path.glob("rejected/source=*/*.parquet")):
            origin = file.parent.name.removeprefix("source=")
            if source in (None, origin):
                yield origin, "rejected", file


def _named(id: str, names: Sequence[Name]) -> list[Name]:
    """Those whose name is, ends in or contains ``id``, or whose title does: the nearest kind."""
    wanted = id.casefold()
    for what in (2, 3):
        for fits in (str.__eq__, str.endswith, str.__contains__):
            if found := [name for name in names if fits(name[what].casefold(), wanted)]:
                return found
    close = difflib.get_close_matches(id, [name[2] for name in names], n=1, cutoff=0.3)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise UserError(f"document {id!r} is not in this corpus{hint}")


def _row(chosen: Name) -> dict:
    (source, place, file), number, *_ = chosen
    row = pl.read_parquet(file).row(number, named=True)
    return {"source": source, "place": place, **row}


def _of(split: str | None, source: str | None) -> str:
    return "".join(f" of {what}" for what in (split, source) if what)
