"""A rule for footnote marks whose notes are missing or in an unusual form."""

from __future__ import annotations

import re

import polars as pl

from femtogpt.corpus.rules.rule_registry import has, map_lines, rule

_AFTER = r"(?=[\s.,;:!?…»“)]|$)"
_MONTH = r"(?:янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек)"  # after the day of a date
_STRAYS = (
    rf"(?<=[а-яёa-zà-ÿ]{{3}})[0-9]{{1,2}}{_AFTER}(?! {_MONTH})",  # слово1
    r"(?<=[А-ЯЁ]{4})[0-9]$",
    r"(?<=[а-яёa-z][!?…;»“])[0-9]{1,2}(?=\s|$)",  # слово»1
    r"(?<=[а-яёa-z]{4}[.:])[0-9]{1,2}$",
    r"(?<=[a-zà-ÿ]{2}[a-zà-ÿ.!?…»]) [0-9]{1,2}(?=[.,;:!?…»)]| —|$)",  # adieu! 4
    r"(?<=[а-яё]{4}[.!?…»“]) [0-9]{1,2}$",
    r"(?<=[а-яё]{4}»[.!?…]) [0-9]{1,2}$",
    r"(?<=[а-яёa-z]{2}[а-яёa-z»“.!?…]) ?\(\*?[0-9]{1,2}\)" + _AFTER,  # слово (1)
    r"(?<=[а-яёa-z]{3},) \([0-9]{1,2}\)$",
    r"(?<=[а-яё][.!?…]»)\([0-9]{1,2}\)",
    r"(?<=[а-яёa-z]{3}) ?[0-9]{1,2}'?\)" + _AFTER,  # слово 1)
    r"(?<=[а-яёa-zIVX]{2})\*" + _AFTER,
    r"(?<=[:;»“])\*" + _AFTER,
)
_STRAY = re.compile("|".join(_STRAYS))
_QUICK_TEST = (  # the above in short, without groups and lookarounds, which is fast
    r"[а-яёa-zà-ÿ][!?…;:.»“]?[0-9]|[А-ЯЁ]{4}[0-9]|[a-zà-ÿ][.!?…»]? [0-9]{1,2}(?:[.,;:!?…»)\n]| —|$)"
    r"|[а-яё][.!?…»“] [0-9]{1,2}(?:\n|$)|[а-яёa-z]{2}[а-яёa-z.!?…][»“]?,? ?\(?\*?[0-9]{1,2}'?\)"
    r"|[а-яёa-zIVX:;»“]\*(?:[^*]|$)"
)
LONGEST_BRACKET = 300  # characters in which a bracket that is open at a mark was opened
_EMPHASIS = re.compile(r"(?:^|[\s(«])\*\w[^*]*\*")


@rule(
    "Adieu! 4\nОн писал:*\nспал в трактире1, в Мегаре 2) (на горе 3), (1) и (2).",
    "Adieu!\nОн писал:\nспал в трактире, в Мегаре (на горе 3), (1) и (2).",
    needs="a number or star right after a word or its punctuation, that counts nothing",
    of_editions=True,
)
def stray_marks(text: pl.Expr) -> pl.Expr:
    """Remove numbers and stars after a word that refer to notes missing from the file."""
    return map_lines(_QUICK_TEST, _without_strays, text, among=has(*"0123456789*"))


def _without_strays(line: str) -> str:
    emphasis = "*" in line and _EMPHASIS.search(line)

    def kept(stray: re.Match[str]) -> str:
        before = line[max(0, stray.start() - LONGEST_BRACKET) : stray.start()]
        closes = (
            stray[0][-1] == ")" and "(" not in stray[0] and before.rfind("(") > before.rfind(")")
        )
        return stray[0] if closes or (emphasis and stray[0] == "*") else ""

    return _STRAY.sub(kept, line)
