"""The documents of one file, whatever its kind; pages and lines are spread over processes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import PurePosixPath
from typing import BinaryIO

from femtogpt.errors import UserError
from femtogpt.parallel import Map
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable, compression
from femtogpt.sources.encodings import decode
from femtogpt.sources.wiki.article import LICENCE, Batch, Choice, articles, plain_text
from femtogpt.sources.wiki.dump import LONGEST, Dump
from femtogpt.sources.wiki.extracts import Lines, from_lines
from femtogpt.sources.wiki.site import Site
from femtogpt.sources.wiki.stream import Pieces

BATCH = 1 << 18  # bytes of pages or lines that a process works on at once
LINES = (".jsonl", ".ndjson", ".json")  # CirrusSearch's dumps are lines, too
log = logging.getLogger(__name__)


class _Suffixes(frozenset):
    """Of the files that hold articles; the parts of a dump end in .xml-p1p224167."""

    def __contains__(self, suffix: str) -> bool:
        return super().__contains__(suffix) or suffix.startswith(".xml-p")


SUFFIXES = _Suffixes({".xml", ".7z", ".parquet", ".wikitext", *LINES})


def suffix(name: str) -> str:
    """The ending that says what is in a file, compressed or not."""
    return PurePosixPath(name.lower().removesuffix(compression(name))).suffix


def documents_in(name: str, stream: BinaryIO, choice: Choice, spread: Map) -> Iterator[Document]:
    """The documents of a file, in its order.

    UserError where it is none of the kinds, Unreadable where it is and nothing can be read.
    """
    kind = suffix(name)
    if kind == ".parquet":
        # Imported here: every working process imports this module, and pyarrow takes long.
        from femtogpt.sources.wiki.parquet import from_parquet

        yield from from_parquet(stream, name, choice)
    elif kind == ".wikitext":
        yield _from_wikitext(name, stream, choice)
    elif kind in LINES:
        yield from _from_json_lines(name, stream, choice, spread)
    else:
        yield from _from_dump(name, stream, choice, spread)


def _from_dump(name: str, stream: BinaryIO, choice: Choice, spread: Map) -> Iterator[Document]:
    pieces = Pieces(stream)
    try:
        dump = Dump(pieces, name)
    except UserError:
        if pieces.fault:
            raise Unreadable(pieces.fault) from None
        raise
    batches = (Batch(pages, dump.site, choice) for pages in _gathered(dump.pages()))
    for documents in spread(articles, batches):
        yield from documents
    if pieces.fault or not dump.is_whole:
        after = "before the first page ends"
        if dump.last_title is not None:
            after = f"after the page «{dump.last_title}»"
        log.warning(
            "%s can be read up to byte %s, %s: %s; the pages until there are taken",
            *(name, f"{pieces.position:,}", after, pieces.fault or "it is cut off"),
        )


def _from_json_lines(
    name: str, stream: BinaryIO, choice: Choice, spread: Map
) -> Iterator[Document]:
    pieces = Pieces(stream)
    lines = _lines(pieces, name)
    first = next(lines, b"")
    if suffix(name) == ".json" and not first.strip().endswith(b"}"):
        raise Unreadable("it has no object on a line of its own")
    for documents in spread(from_lines, _numbered(_gathered(chain([first], lines)), choice)):
        yield from documents
    if pieces.fault:
        log.warning(
            "%s can be read up to byte %s: %s; the lines until there are taken",
            *(name, f"{pieces.position:,}", pieces.fault),
        )


def _numbered(gathered: Iterable[list[bytes]], choice: Choice) -> Iterator[Lines]:
    number = 1
    for lines in gathered:
        yield Lines(lines, number, choice)
        number += len(lines)


def _lines(pieces: Pieces, name: str) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
        if len(rest) > LONGEST:
            raise UserError(f"{name} is not JSON Lines: it has no line ends; remove it")
    if rest and not pieces.fault:
        yield rest


def _from_wikitext(name: str, stream: BinaryIO, choice: Choice) -> Document:
    """A file that is one page."""
    pieces = Pieces(stream)
    wikitext = decode(b"".join(pieces))
    path = PurePosixPath(name[: len(name) - len(compression(name))])
    fault = "it is not text in a known encoding" if wikitext is None else pieces.fault
    text = ""
    if not fault:
        text, fault = plain_text(wikitext, path.stem, Site(), choice)
    return Document(str(path.with_suffix("")), text, path.stem, licence=LICENCE, fault=fault)


def _gathered(items: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lists of items that come to about BATCH bytes."""
    gathered, size = [], 0
    for item in items:
        gathered.append(item)
        size += len(item)
        if size >= BATCH:
            yield gathered
            gathered, size = [], 0
    if gathered:
        yield gathered
