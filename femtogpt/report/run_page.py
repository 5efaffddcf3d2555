"""The report as one page that needs nothing else: no network, no other file."""

from __future__ import annotations

import time
from collections.abc import Callable

import femtogpt
from femtogpt.corpus.html_page import document
from femtogpt.report.corpus_section import corpus
from femtogpt.report.curves_section import curves
from femtogpt.report.html_parts import Html, joined, note, short, tag
from femtogpt.report.lineage_section import lineage
from femtogpt.report.machine_section import machine
from femtogpt.report.memory_section import memory
from femtogpt.report.overview_section import NAME, overview
from femtogpt.report.page_script import SCRIPT
from femtogpt.report.page_style import STYLE
from femtogpt.report.quality_section import quality
from femtogpt.report.run_facts import RunFacts
from femtogpt.report.samples_section import samples
from femtogpt.report.settings_section import settings
from femtogpt.report.tokenizer_section import tokenizer
from femtogpt.report.wording import DEFAULT_LANGUAGE, Wording

Section = Callable[[RunFacts, Wording], Html]  # empty without anything to tell
SECTIONS: dict[str, Section] = {
    "quality": quality,
    "curves": curves,
    "samples": samples,
    "memory": memory,
    "corpus": corpus,
    "tokenizer": tokenizer,
    "settings": settings,
    "lineage": lineage,
    "machine": machine,
}


def run_page(facts: RunFacts, language: str = DEFAULT_LANGUAGE) -> str:
    """The whole page, of less than a megabyte: what is long is cut, and the page says so."""
    words = Wording(language)
    written = {name: section(facts, words) for name, section in SECTIONS.items()}
    there = {name: part for name, part in written.items() if part}
    links = (tag("a", words(f"title_{name}"), href=f"#{name}") for name in there)
    sections = (
        tag("section", tag("h2", words(f"title_{name}")), part, id=name)
        for name, part in there.items()
    )
    written_by = words("written_by", version=femtogpt.__version__, when=words.moment(time.time()))
    body = joined(
        [
            tag("header", overview(facts, words), tag("nav", *links)),
            *sections,
            tag("footer", note(written_by)),
            Html(f"<script>{SCRIPT}</script>"),
        ]
    )
    title = f"{short(facts.name, NAME)} · {words('report_of_a_run')}"
    return document(title, STYLE, body, language)
