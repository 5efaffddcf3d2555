"""Articles that others have extracted from Wikipedia, as rows of Parquet or objects of JSON.

These are read: the columns ``id, url, title, text`` of Hugging Face's ``wikimedia/wikipedia`` and
of WikiExtractor; the objects of Wikimedia Enterprise and ``wikimedia/structured-wikipedia``, with
paragraphs and lists in sections, or with ``article_body.wikitext``; and the dumps of CirrusSearch,
in which a line before each page contains its id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from femtogpt.sources.base import Document
from femtogpt.sources.formats.json_rows import parsed_lines
from femtogpt.sources.wiki.article import LICENCE, Choice, plain_text
from femtogpt.sources.wiki.page_kinds import is_redirect
from femtogpt.sources.wiki.sections import has_prose, is_reference
from femtogpt.sources.wiki.site import Site


def from_lines(batch: tuple[int, list[bytes]], choice: Choice) -> list[Document]:
    """Return the articles in lines of JSON; ``batch`` is the number of the first, and the lines."""
    first, lines = batch
    return list(from_values(parsed_lines(lines, first), choice, "line"))


def from_values(values: Iterable[tuple[int, Any]], choice: Choice, unit: str) -> Iterator[Document]:
    """Yield the articles in numbered values; one that is no article is a document with a fault."""
    page_id = None  # from the line before
    for number, value in values:
        try:
            if isinstance(value, Exception):
                raise value
            if _is_index(value):
                page_id = value["index"].get("_id")
                continue
            document = article_in(value, choice, page_id)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            fault = f"{unit} {number} is no article: {type(error).__name__}: {error}"
            document = Document(f"{unit} {number}", "", fault=fault)
        if document is not None:
            yield document


def _is_index(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"index"}


def article_in(
    value: dict[str, Any], choice: Choice, page_id: str | None = None
) -> Document | None:
    """Return the article in an object of any of these kinds; None if it is not wanted."""
    if "source_text" in value or "namespace_text" in value:
        return _from_cirrus_search(value, choice, page_id)
    if "text" in value:
        return extract(value, choice)
    title = value["name"]
    namespace = (value.get("namespace") or {}).get("identifier", 0)
    if namespace != 0 or not choice.takes(title):
        return None
    body = value.get("article_body") or {}
    fault = None
    if "sections" in value:
        parts = value["sections"] or []
        parts = json.loads(parts) if isinstance(parts, str) else parts  # in some Parquet files
        text = "\n\n".join(_sections(parts, choice))
    elif "wikitext" in body:
        if is_redirect(body["wikitext"]) or not choice.takes(title, body["wikitext"]):
            return None
        language = (value.get("in_language") or {}).get("identifier", "ru")
        text, fault = plain_text(body["wikitext"], title, Site(language), choice)
    else:
        raise ValueError("it has neither text nor sections nor article_body.wikitext")
    licences = [
        licence.get("name") or licence.get("identifier") for licence in value.get("license") or []
    ]
    return Document(
        id=str(value["identifier"]),
        text=text,
        title=title,
        url=value.get("url"),
        licence=", ".join(filter(None, licences)) or LICENCE,
        fault=fault,
    )


def _from_cirrus_search(
    value: dict[str, Any], choice: Choice, page_id: str | None
) -> Document | None:
    """Return the article in a page of CirrusSearch, from its wikitext: its text has no lines."""
    title, wikitext = value["title"], value.get("source_text") or ""
    if value.get("namespace", 0) != 0 or is_redirect(wikitext) or not choice.takes(title, wikitext):
        return None
    language = value.get("language") or "ru"
    site = Site(language, f"https://{language}.wikipedia.org/wiki/")
    text, fault = value.get("text") or "", None
    if wikitext:
        text, fault = plain_text(wikitext, title, site, choice)
    number = str(value.get("page_id") or page_id or title)
    return Document(number, text, title, url=site.url(title), licence=LICENCE, fault=fault)


def extract(row: dict[str, Any], choice: Choice) -> Document | None:
    """Return the article in a row with id, url, title and text; None if it is not wanted.

    Only the references at the end of the text are removed.
    """
    title, text = row.get("title") or "", row["text"] or ""
    if not choice.takes(title):
        return None
    if not choice.references:
        text = _without_references(text)
    return Document(str(row["id"]), text, title, url=row.get("url"), licence=LICENCE)


def _without_references(text: str) -> str:
    """Remove the sections of references at the end of a text whose headings have no markup.

    Such a heading looks like any short line, so the text is cut only at a line that is the name
    of a section of references, and only if no prose follows.
    """
    lines = text.split("\n")
    cut = len(lines)
    for number in range(len(lines) - 1, 0, -1):
        if has_prose(lines[number]):
            break
        if is_reference(lines[number]):
            cut = number
    return "\n".join(lines[:cut]).strip()


def _sections(parts: list[dict[str, Any]], choice: Choice) -> Iterator[str]:
    """Yield the blocks of text in nested sections: headings, paragraphs, list items."""
    for part in parts:
        inside = list(_sections(part.get("has_parts") or [], choice))
        heading = part.get("name") if part.get("type") == "section" else None
        if heading and is_reference(heading) and not choice.references:
            continue
        if heading and heading != "Abstract" and inside:
            yield heading
        if part.get("type") == "list":
            yield "\n".join(inside)
            continue
        if value := (part.get("value") or "").strip():
            yield value
        yield from inside
