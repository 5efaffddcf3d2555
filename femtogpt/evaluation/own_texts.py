"""A person's own texts, read and cleaned to be scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import polars as pl

from femtogpt.corpus.rules import rules_of
from femtogpt.errors import UserError
from femtogpt.evaluation.document_scores import TEXTS, described
from femtogpt.sources.base import Document, unique_ids
from femtogpt.sources.texts import Files


class OwnFiles(Files):
    """A person's files. Each one that cannot be read is told by its name, and not counted too."""

    tells_faults: ClassVar[bool] = False


def own_texts(paths: Sequence[Path]) -> tuple[pl.DataFrame, list[str]]:
    """The texts of files and folders (TEXTS), and a line for each that is left out, with why.

    They are read as a source of the kind ``files`` is, and cleaned by the rules that it has unless
    others are named. No filter rejects any. Raises UserError where nothing is left.
    """
    frames: list[pl.DataFrame] = []
    left_out: list[str] = []
    for path in paths:
        name = _name(path, [frame["source"][0] for frame in frames])
        documents = list(_documents(path))
        texts = _cleaned(name, path, [each for each in documents if each.fault is None])
        left_out += [f"{each.id}: {each.fault}" for each in documents if each.fault is not None]
        empty = texts.filter(pl.col("characters") == 0)
        left_out += [f"{id}: it is empty" for id in empty["id"]]
        if empty.height < texts.height:
            frames.append(texts.filter(pl.col("characters") > 0))
    if not frames:
        first = f" ({left_out[0]})" if left_out else ""
        raise UserError(f"there is no text to evaluate on{first}: name files that have some")
    return pl.concat(frames), left_out


def _name(path: Path, taken: Sequence[str]) -> str:
    """A name for a path as a source: its last part, or all of it where that is taken."""
    name = path.resolve().name
    return str(path) if name in taken else name


def _documents(path: Path) -> Iterator[Document]:
    source = OwnFiles(path=path)
    with TemporaryDirectory(prefix="femtogpt-") as folder:
        source.fetch(Path(folder))
        yield from unique_ids(source.documents(Path(folder)))


def _cleaned(name: str, path: Path, documents: Sequence[Document]) -> pl.DataFrame:
    frame = pl.DataFrame(
        [(name, each.id, each.id, each.author, each.title, each.text) for each in documents],
        {column: TEXTS[column] for column in ("source", "id", "work", "author", "title", "text")},
        orient="row",
    )
    for rule in rules_of(Files(path=path)):
        frame = frame.with_columns(rule.apply(pl.col("text")).alias("text"))
    return described(frame.with_columns(characters=pl.col("text").str.len_chars()))
