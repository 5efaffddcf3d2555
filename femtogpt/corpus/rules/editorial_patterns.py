"""The patterns of editors' text: notes, their headings, imprints."""

from __future__ import annotations

import re

LETTER = r"A-Za-z\u00c0-\u052f"  # for a class: Latin, Greek, Cyrillic; compiles faster than \pL
LANGUAGE = (  # the abbreviations of languages in dictionaries and notes
    r"(?:франц|фр|лат|нем|англ|итал|ит|исп|порт|польск|греч|евр|араб|тюрк|татар|тат|турецк|тур"
    r"|перс|укр|малор|чеш|швед|голл|груз|арм|санскр|слав|цыган|кирг|чечен|кумык)"
)
_NOTE = re.compile(
    rf"\((?:[^()]{{0,40}}[\s(.-])?{LANGUAGE}\.[^()]{{0,120}}\)|[—–-]\s?{LANGUAGE}\.?\W*(?:\d+\W*)?$"
    r"|\(?\b(?:Прим|Примеч)(?:\.|ание)|[—–-]\s?Ред\.",
    re.IGNORECASE,
)
HEADING = re.compile(  # of notes and editors' articles at the end of a work
    r"\W*(?:примечани[ея]|комментари[йи]|сноски|notes|печатные варианты|из ранних редакций"
    r"|о (?:романе|повести|сборнике|книге|поэме)"
    r"|примечани[ея] (?:к|автора|редак\w+|перевод\w+|издател\w+)\b.{0,40})[.:]?\s*",
    re.IGNORECASE,
)
_PART = r"\W*(?:том|книга|часть|глава|действие|картина|песнь|эпилог|пролог)\b"
PART_WORD = re.compile(_PART, re.IGNORECASE)
PART = re.compile(_PART + r"[^.!?]{0,60}\W*", re.IGNORECASE)  # a heading of the work itself
ABOUT = re.compile(
    r"\W*(?:впервые (?:опубликован|напечатан|появил)|печатается по|текст печатается)", re.IGNORECASE
)
IMPRINT = re.compile(  # of an edition
    r"собрание сочинений|библиотека поэта|\bтом \d+\b|издательств|^редактор"
    r"|^(?:М|Л|СПб)\.[,:] .*\d{4}|^составител|полное собрание",
    re.IGNORECASE,
)
EDITORIAL = re.compile(r"автограф|рукопис|издани|изд\.|напечатан|опубликован")
RULER = re.compile(r"\s*[-_—–=]{5,}\s*")


def reads_as_note(text: str) -> bool:
    """Whether a text reads like a note: it names the language it translates, or its author."""
    return _NOTE.search(text) is not None


def breaks_sentence(before: str, after: str) -> bool:
    """Whether a sentence continues from one line to the next."""
    before, after = before.rstrip(), after.lstrip()
    return (
        bool(before and after)
        and (before[-1].isalnum() or before[-1] in ",-—–")
        and after[0].islower()
    )
