"""TEI, the XML of scholarly editions: novels, verse and plays.

The text is that of the work as the edition reads it: its corrections and expansions, without its
notes, variants and page numbers. A speech in a play is ``Имя: реплика``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.flow import Kind, is_numbered_link, line_of, text_of
from femtogpt.sources.formats.xml import local
from femtogpt.sources.info import year_in

ROOTS = {"tei", "tei.2", "teicorpus", "teicorpus.2"}
SPEECHES = {"p", "ab"}  # the paragraphs of a speech in prose
STAGED = {"p", "ab", "l", "speaker", "head"}  # a direction in these is a part of the line
NOTES = "notes left out"
_TOLD = {  # of what is hidden, what may have words that a reader would miss
    "note": NOTES,
    "notegrp": NOTES,
    "figure": "captions of pictures left out",
    "titlepage": "title pages left out",
    "rdg": "variants left out",
}
DIVISIONS = "contents, imprints and indexes left out"
_KINDS = {
    **dict.fromkeys(
        (
            *("p", "ab", "head", "lg", "sp", "div", "text", "body", "front", "back", "group"),
            *("quote", "epigraph", "argument", "opener", "closer", "trailer", "list", "table"),
            *("castlist", "set", "prologue", "epilogue", "floatingtext", "postscript", "milestone"),
            *(f"div{number}" for number in range(8)),
        ),
        Kind.BLOCK,
    ),
    **dict.fromkeys(
        (
            *("l", "item", "row", "speaker", "castitem", "byline", "dateline", "salute", "signed"),
            *("label", "docauthor"),
        ),
        Kind.LINE,
    ),
    "cell": Kind.CELL,
    **dict.fromkeys(
        (
            *("teiheader", "note", "fw", "figure", "facsimile", "standoff", "sourcedoc", "index"),
            *("rdg", "del", "titlepage", "divgen", "gap", "listbibl", "notegrp", "interpgrp"),
        ),
        Kind.HIDDEN,
    ),
}
_READINGS = {"sic": "corr", "orig": "reg", "abbr": "expan"}  # in <choice>, the first is left out
_SKIPPED_DIVISIONS = {"contents", "toc", "notes", "imprint", "titlepage", "index"}  # by their type


def documents(file: Member, root: etree._Element) -> Iterator[Document]:
    """Yield the work, or each work of a corpus. Raises Unreadable if there is no text in it."""
    works = [element for element in root.iter("{*}TEI", "{*}TEI.2")]
    works = [work for work in works if work.find("{*}TEI") is None] or [root]
    found = []
    for work in works:
        texts = [text for text in work.iterfind("{*}text")]
        for text in texts:
            _put_directions_in_brackets(text)
            _write_speakers(text)
            _tell_left_out(file, text)
        content = "\n\n".join(filter(None, (text_of(text, _kind) for text in texts)))
        if content:
            found.append((content, _about(work)))
    if not found:
        raise Unreadable("there is no text in it")
    for number, (content, about) in enumerate(found, 1):
        id = file.name if len(found) == 1 else f"{file.name}#{number}"
        yield Document(id, content, **about)


def _tell_left_out(file: Member, text: etree._Element) -> None:
    walker = etree.iterwalk(text, events=("start",))
    for _, element in walker:
        name = local(element).lower()
        if _kind(element, name) is Kind.HIDDEN:
            walker.skip_subtree()
            division = NOTES if element.get("type", "").lower() == "notes" else DIVISIONS
            kind = division if name.startswith("div") else _TOLD.get(name)
            if kind and (words := line_of(element)):
                file.leave_out(kind, words)


def _about(work: etree._Element) -> dict[str, Any]:
    """Read the title, the author and the year of the work, or else of what was transcribed."""
    header = work.find("{*}teiHeader")
    if header is None:
        return {}
    statement = header.find("{*}fileDesc/{*}titleStmt")
    title, authors = None, []
    if statement is not None:
        titles = statement.findall("{*}title")
        main = [title for title in titles if title.get("type") == "main"] or titles[:1]
        title = line_of(main[0]) if main else None
        authors = [line_of(author) for author in statement.findall("{*}author")]
    dates = [
        *header.iterfind("{*}profileDesc/{*}creation//{*}date"),
        *header.iterfind("{*}fileDesc/{*}sourceDesc//{*}date"),
    ]
    years = (_year(date) for date in dates)
    return {
        "title": title or None,
        "author": ", ".join(filter(None, authors)) or None,
        "year": next(filter(None, years), None),
    }


def _year(date: etree._Element) -> int | None:
    attributes = ("when", "to", "notAfter", "from", "notBefore")
    given = (year_in(date.get(name, "")) for name in attributes)
    return next(filter(None, given), None) or year_in(line_of(date))


def _put_directions_in_brackets(text: etree._Element) -> None:
    for stage in text.iter("{*}stage"):
        if local(stage.getparent()) in STAGED and "(" not in "".join(stage.itertext()):
            stage.text = f"({(stage.text or '').lstrip()}"
            last = stage[-1] if len(stage) else None
            if last is None:
                stage.text = f"{stage.text.rstrip()})"
            else:
                last.tail = f"{(last.tail or '').rstrip()})"


def _write_speakers(text: etree._Element) -> None:
    """Put the name of each speaker before the speech, with a colon."""
    for speaker in list(text.iter("{*}speaker")):
        name = text_of(speaker, _kind).replace("\n", " ").rstrip(" .:")
        following = speaker.getnext()
        while following is not None and not isinstance(following.tag, str):
            following = following.getnext()
        for child in list(speaker):
            speaker.remove(child)
        is_prose = following is not None and local(following) in SPEECHES
        if is_prose and not (speaker.tail or "").strip():
            speaker.text = None
            following.text = (
                f"{name}: {(following.text or '').lstrip()}" if name else following.text
            )
        else:
            speaker.text = f"{name}:" if name else None


def _kind(element: etree._Element, name: str) -> Kind:
    around = element.getparent()
    parent = "" if around is None else local(around).lower()
    if name in SPEECHES and parent == "sp":
        return Kind.LINE
    if parent == "choice" and name in _READINGS:
        has_other = around.find(f"{{*}}{_READINGS[name]}") is not None
        return Kind.HIDDEN if has_other else Kind.INLINE
    if name.startswith("div") and element.get("type", "").lower() in _SKIPPED_DIVISIONS:
        return Kind.HIDDEN
    if name == "stage":
        return Kind.CELL if parent in STAGED else Kind.LINE
    if name == "lb":
        return Kind.INLINE if element.get("break") == "no" else Kind.CELL
    if name in ("ref", "ptr") and is_numbered_link(element, element.get("target", "")):
        return Kind.HIDDEN
    rend = element.get("rend", "").lower()
    if name == "hi" and rend.startswith("sup"):
        return Kind.RAISED
    if name == "hi" and rend.startswith("sub"):
        return Kind.LOWERED
    return _KINDS.get(name, Kind.INLINE)
