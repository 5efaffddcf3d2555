"""Recognizes pages that are not articles: redirects, disambiguation pages, lists."""

from __future__ import annotations

import re

_REDIRECT = re.compile(
    r"\s*#\s*(?:redirect|перенаправление|перенапр|перенаправлення|перанакіраванне|виж"
    r"|пренасочване)\b[:\s]*\[\[",
    re.IGNORECASE,
)
_LIST = re.compile(r"(?:Список|Списки|Списък|Спіс|Lists?\s+of)\b", re.IGNORECASE)
_DISAMBIGUATION = re.compile(
    r"\{\{\s*(?:(?:шаблон|template)\s*:\s*)?(?:"
    r"(?:проверенная )?неоднозначность|неоднозначности|многозначность|многозначный термин|дизамбиг"
    r"|disambig(?:uation)?(?:[ _-](?:page|geo|cleanup))?|disambig[agn]|disamb|dab|hndis|geodis"
    r"|schooldis|numberdis|letter-numbercombdisambig|human name disambiguation"
    r"|список (?:однофамильцев|тёзок|полных тёзок|населённых пунктов-тёзок)"
    r"|неоднозначність|багатозначність|багатозначний термін"
    r"|неадназначнасць|пояснение|пояснителна страница"
    r")\s*[|}\n]"
    r"|\[\[\s*(?:категория|категорія|катэгорыя|category)\s*:\s*(?:"
    r"страницы разрешения неоднозначност|страницы значений|многозначные термины|неоднозначн"
    r"|однофамильцы|полные тёзки|багатозначні терміни|(?:[\w ]+ )?disambiguation(?: pages)?\s*[|\]]"
    r")"
    r"|__DISAMBIG__",
    re.IGNORECASE,
)
_MEANINGS = re.compile(
    r"\((?:значения|неоднозначность|значення|значэнні|пояснение|disambiguation)\)\s*\Z",
    re.IGNORECASE,
)


def is_redirect(wikitext: str) -> bool:
    return _REDIRECT.match(wikitext) is not None


def is_disambiguation(title: str, wikitext: str = "") -> bool:
    """Whether a page lists the meanings of a word, by its title, templates and categories."""
    return _MEANINGS.search(title) is not None or _DISAMBIGUATION.search(wikitext) is not None


def is_list(title: str) -> bool:
    return _LIST.match(title) is not None
