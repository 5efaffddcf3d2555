"""The running text of an article from its wikitext."""

from __future__ import annotations

from functools import partial

from femtogpt.sources.wiki.braces import without_braces
from femtogpt.sources.wiki.hidden import shown, without_hidden
from femtogpt.sources.wiki.inline import plain
from femtogpt.sources.wiki.sections import sections
from femtogpt.sources.wiki.site import Site
from femtogpt.sources.wiki.templates import expanded
from femtogpt.sources.wiki.tidy import tidy


def article_text(wikitext: str, title: str, site: Site, references: bool = False) -> str:
    """What a reader reads: paragraphs, list items and headings, each on a line of its own.

    Templates (but for those in ``templates.TABLE``), tables, notes, pictures, categories and
    formulas (but the simplest) go. A heading with nothing below it goes, and so do sections of
    references, unless ``references`` is true.
    """
    text = without_hidden(wikitext.replace("\r\n", "\n"))
    text = without_braces(text, partial(expanded, language=site.language, title=title))
    kept: list[str] = []  # from the end on: whether a heading has text below shows only there
    below = 0  # the level of the section that follows
    for section in reversed(sections(text, references)):
        body = tidy(plain(section.text, site))
        if not body and below <= section.level:
            continue
        heading = " ".join(tidy(plain(section.title, site)).split())
        kept.append("\n\n".join(filter(None, (heading, body))))
        below = section.level
    return shown("\n\n".join(filter(None, reversed(kept))))
