"""Splits wikitext into sections and drops those that contain only references."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADING = re.compile(r"^(={1,6})(.+?)(={1,6})[ \t]*$", re.MULTILINE)
_REFERENCES = frozenset(
    name
    for names in (
        "примечания, примечание, сноски, литература, библиография, источники, источник, ссылки"
        ", внешние ссылки, ссылки на источники, использованная литература"
        ", использованные источники, список литературы, список источников, рекомендуемая литература"
        ", дополнительная литература, см. также, смотрите также, смотри также, смотри, комментарии"
        ", первоисточники, интернет-ресурсы",
        "примітки, виноски, література, джерела, посилання, див. також, дивись також"
        ", дивіться також, бібліографія, зовнішні посилання, посилання на джерела",
        "заўвагі, зноскі, літаратура, крыніцы, спасылкі, гл. таксама",
        "бележки, източници, външни препратки, вижте също, използвана литература",
        "references, reference, notes, footnotes, citations, bibliography, sources, works cited"
        ", further reading, external links, see also, notes and references",
    )
    for name in names.split(", ")
)
_AND = re.compile(r"\s+(?:и|и́|та|і|й|and|&)\s+|\s*[,/]\s*")
_MARKS = re.compile(r"[=:'\[\]\s]+")
_LIST = re.compile(r"[*#:;]")
# Found in lines of a bibliography, not in sentences.
_CITATION = re.compile(r"ISBN|ISSN|https?:|//|\bdoi\b|[—–-] \d+ ?[сsp]\.|\b[СCSPp]\. ?\d")


@dataclass(frozen=True)
class Section:
    """A heading and the text below it, up to the next heading."""

    level: int  # 0: the text before the first heading
    title: str
    text: str


def sections(text: str, references: bool) -> list[Section]:
    """Return the sections in order; ``references``: also notes, literature, links and sources."""
    result = _split(text)
    return result if references else _without_references(result)


def _split(text: str) -> list[Section]:
    headings = list(_HEADING.finditer(text))
    bounds = [heading.start() for heading in headings] + [len(text)]
    result = [Section(0, "", text[: bounds[0]])]
    for heading, end in zip(headings, bounds[1:], strict=True):
        level = min(len(heading[1]), len(heading[3]))
        result.append(Section(level, heading[2].strip(), text[heading.end() : end]))
    return result


def _without_references(all_sections: list[Section]) -> list[Section]:
    kept, dropped_level = [], 0  # a dropped section's subsections are dropped too
    for section in all_sections:
        if dropped_level and section.level > dropped_level:
            continue
        dropped_level = 0
        if section.level and is_reference(section.title) and not has_prose(section.text):
            dropped_level = section.level
        else:
            kept.append(section)
    return kept


def is_reference(title: str) -> bool:
    """Whether a heading announces references, such as «Примечания и ссылки»."""
    name = _MARKS.sub(" ", title).strip().rstrip(".").casefold()
    return all(part in _REFERENCES or part + "." in _REFERENCES for part in _AND.split(name))


def has_prose(text: str) -> bool:
    """Whether at least a third of the text is sentences rather than lists or citations."""
    prose = other = 0
    for line in text.split("\n"):
        if len(line) > 120 and not _LIST.match(line) and not _CITATION.search(line):
            prose += len(line)
        else:
            other += len(line)
    return prose * 2 > other
