"""The formats in which articles come. Pages and lines are spread over processes.

Each function reads one file: Unsuitable if its format is another, Unreadable if it is damaged so
that nothing can be read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import PurePosixPath

from femtogpt.parallel import Map
from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable, Unsuitable, without_compression
from femtogpt.sources.encodings import decode
from femtogpt.sources.formats.parquet_rows import parquet_rows
from femtogpt.sources.wiki.article import LICENCE, Choice, articles, plain_text
from femtogpt.sources.wiki.dump import MAX_PAGE_BYTES, Dump
from femtogpt.sources.wiki.dump_bytes import DumpBytes
from femtogpt.sources.wiki.extracts import from_lines, from_values
from femtogpt.sources.wiki.site import Site

BATCH_BYTES = 1 << 18  # of pages or lines that a process works on at once
COLUMNS = ["id", "url", "title", "text"]
STRUCTURED_COLUMNS = ["name", "identifier", "sections"]  # of Wikimedia's structured articles
OPTIONAL_COLUMNS = ["url", "license"]  # of these
log = logging.getLogger(__name__)


def read_dump(file: Member, choice: Choice, spread: Map) -> Iterator[Document]:
    """Read a MediaWiki dump; of a damaged one, the whole pages before the damage."""
    with file.open() as stream:
        chunks = DumpBytes(stream)
        try:
            dump = Dump(chunks, file.mended)
        except Unsuitable:
            if chunks.fault:
                raise Unreadable(chunks.fault) from None
            raise
        read_pages = partial(articles, site=dump.site, choice=choice)
        yield from chain.from_iterable(spread(read_pages, _gathered(dump.pages())))
        if chunks.fault or not dump.is_complete:
            after = "before the end of the first page"
            if dump.last_title is not None:
                after = f"after the page «{dump.last_title}»"
            log.warning(
                "%s can be read up to byte %s, %s: %s; the pages up to there are used",
                *(file.name, f"{chunks.position:,}", after, chunks.fault or "it is cut off"),
            )


def read_json_lines(file: Member, choice: Choice, spread: Map) -> Iterator[Document]:
    """Read JSON Lines; the .json of CirrusSearch's dumps is that, too."""
    with file.open() as stream:
        chunks = DumpBytes(stream)
        lines = _lines(chunks)
        first = next(lines, b"")
        if file.suffix == ".json" and not first.strip().endswith(b"}"):
            raise Unreadable("it has no object on a line of its own")
        batches = _numbered(_gathered(chain([first], lines)))
        yield from chain.from_iterable(spread(partial(from_lines, choice=choice), batches))
        if chunks.fault:
            log.warning(
                "%s can be read up to byte %s: %s; the lines up to there are used",
                *(file.name, f"{chunks.position:,}", chunks.fault),
            )


def read_parquet(file: Member, choice: Choice, spread: Map) -> Iterator[Document]:
    """Read an extract in Parquet."""
    yield from from_values(enumerate(parquet_rows(file, _columns), 1), choice, "row")


def read_wikitext(file: Member, choice: Choice, spread: Map) -> Iterator[Document]:
    """Read a file that is one page."""
    with file.open() as stream:
        chunks = DumpBytes(stream)
        wikitext = decode(b"".join(chunks), file.mended)
    path = PurePosixPath(without_compression(file.name))
    text, fault = "", chunks.fault
    if wikitext is None:
        fault = "it is not text in a known encoding"
    elif not fault:
        text, fault = plain_text(wikitext, path.stem, Site(), choice)
    yield Document(str(path.with_suffix("")), text, path.stem, licence=LICENCE, fault=fault)


def _columns(names: list[str]) -> list[str]:
    """Choose the columns of an extract. Raises Unsuitable if one is missing."""
    if set(STRUCTURED_COLUMNS) <= set(names):
        return STRUCTURED_COLUMNS + [name for name in OPTIONAL_COLUMNS if name in names]
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise Unsuitable(
            f"it has no column {missing[0]!r}: give extracts of Wikipedia with id, url, title and"
            " text, such as wikimedia/wikipedia on Hugging Face"
        )
    return COLUMNS


def _numbered(batches: Iterable[list[bytes]]) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the batches, each with the number of its first line."""
    number = 1
    for lines in batches:
        yield number, lines
        number += len(lines)


def _lines(chunks: DumpBytes) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > MAX_PAGE_BYTES:
            raise Unsuitable("it is not JSON Lines: it has no line ends; remove it")
    if rest and not chunks.fault:
        yield rest


def _gathered(items: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Group items to lists of about BATCH_BYTES."""
    batch: list[bytes] = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(item)
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
