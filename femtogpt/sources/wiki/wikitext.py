"""Extracts the running text of an article from its wikitext."""

from __future__ import annotations

from functools import partial

from femtogpt.sources.wiki.braces import without_braces
from femtogpt.sources.wiki.hidden_tags import shown, without_hidden
from femtogpt.sources.wiki.inline import plain
from femtogpt.sources.wiki.sections import sections
from femtogpt.sources.wiki.site import Site
from femtogpt.sources.wiki.templates import expanded
from femtogpt.sources.wiki.tidy import tidy


def article_text(wikitext: str, title: str, site: Site, references: bool = False) -> str:
    """Return the text that a reader sees: paragraphs, list items and headings, a line each.

    Removes templates (except those in ``templates.TABLE``), tables, notes, pictures, categories,
    formulas (except the simplest), headings without text below them and, unless ``references`` is
    true, sections of references.
    """
    text = without_hidden(wikitext.replace("\r\n", "\n"))
    text = without_braces(text, partial(expanded, language=site.language, title=title))
    kept: list[str] = []  # in reverse: whether a heading has text below depends on what follows
    next_level = 0  # of the section that follows
    for section in reversed(sections(text, references)):
        body = tidy(plain(section.text, site))
        if not body and next_level <= section.level:
            continue
        heading = " ".join(tidy(plain(section.title, site)).split())
        kept.append("\n\n".join(filter(None, (heading, body))))
        next_level = section.level
    return shown("\n\n".join(filter(None, reversed(kept))))
