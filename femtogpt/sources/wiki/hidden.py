"""Takes out of wikitext what stands between tags and is no running text.

References, galleries, formulas, code, HTML tables and comments go with what is in them. A tag
that is not closed, or closed only beyond the next heading, goes alone: what follows it stays.
Takes time linear in the text's length, whatever the text.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter

_HIDDEN = (
    "ref|references|gallery|math|chem|ce|score|timeline|syntaxhighlight|source|pre|imagemap"
    "|graph|chart|mapframe|maplink|hiero|templatedata|categorytree|inputbox|indicator"
    "|templatestyles|table|includeonly|languages|dynamicpagelist|phonos"
)
_TOKEN = re.compile(rf"<!--|<(/?)({_HIDDEN}|nowiki)\b([^<>]*)>", re.IGNORECASE)
_LITERAL = "nowiki"
# Markup that <nowiki> shows as it is: kept as characters of private use until the end.
_MARKUP = "{}[]|<>'=*#:;!_-&"
_PRIVATE = {ord(mark): 0xE000 + number for number, mark in enumerate(_MARKUP)}
_PUBLIC = {private: mark for mark, private in _PRIVATE.items()}
# A formula that is the same in plain text, as most names of quantities amid sentences.
_FORMULA = re.compile(r"<math\b[^<>/]*>\s*((?:[^\W_]|[ +.,=>()/*-]){1,60}?)\s*</math>", re.I)
_ANY_PRIVATE = re.compile("[\ue000-\uf8ff]")


def without_hidden(text: str) -> str:
    """The text without what such tags hold.

    Of <nowiki> the text stays, its markup in characters which ``shown`` turns back at the end.
    So do formulas that need no typesetting: «где x и y — числа».
    """
    text = _FORMULA.sub(lambda formula: literal(formula[1]), _ANY_PRIVATE.sub("", text))
    found = _TOKEN.search(text)
    if found is None:
        return text
    headings = [heading.start() for heading in re.finditer("\n==", text)]
    last_comment_ends = text.rfind("-->")
    kept: list[str] = []  # pieces of the result
    tags: list[tuple[str, int, int]] = []  # the open ones: name, place in kept, place in text
    counts: Counter[str] = Counter()  # of the names in tags
    at = 0
    while found:
        kept.append(text[at : found.start()])
        at = found.end()
        name = (found[2] or "").lower()
        if not name:
            # A comment that is not closed goes with its line.
            end = text.find("-->", at) + 3 if at <= last_comment_ends else text.find("\n", at)
            at = end if end >= 0 else len(text)
        elif not found[1]:
            if not found[3].endswith("/"):
                tags.append((name, len(kept), at))
                counts[name] += 1
                kept.append("")
        elif counts[name]:
            opened = ""
            while opened != name:
                opened, place, start = tags.pop()
                counts[opened] -= 1
            if name == _LITERAL:
                kept[place:] = [literal(text[start : found.start()])]
            elif name == "table" or bisect(headings, start) == bisect(headings, found.start()):
                del kept[place:]
            else:
                kept[place] = " "
        found = _TOKEN.search(text, at)
    kept.append(text[at:])
    for _, place, _ in tags:
        kept[place] = " "
    return "".join(kept)


def literal(text: str) -> str:
    """The text as it is: no mark in it is taken for markup."""
    return text.translate(_PRIVATE)


def shown(text: str) -> str:
    """The text with the markup that <nowiki> protected."""
    return text.translate(_PUBLIC) if _ANY_PRIVATE.search(text) else text
