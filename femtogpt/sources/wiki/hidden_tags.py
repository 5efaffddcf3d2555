"""Removes the content of tags that hold no running text from wikitext.

References, galleries, formulas, code, HTML tables and comments are removed with their content. Of a
tag that is not closed, or only beyond the next heading, just the tag is removed. The time is linear
in the text's length for any text.
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
_LITERAL_TAG = "nowiki"
# Markup that <nowiki> shows literally: encoded as private-use characters until the end.
_MARKUP = "{}[]|<>'=*#:;!_-&"
_PRIVATE = {ord(mark): 0xE000 + number for number, mark in enumerate(_MARKUP)}
_PUBLIC = {private: mark for mark, private in _PRIVATE.items()}
# A formula that reads the same as plain text, like most variables within sentences.
_FORMULA = re.compile(r"<math\b[^<>/]*>\s*((?:[^\W_]|[ +.,=>()/*-]){1,60}?)\s*</math>", re.I)
_ANY_PRIVATE = re.compile("[\ue000-\uf8ff]")


def without_hidden(text: str) -> str:
    """Remove the tags with their content.

    The text of <nowiki> stays, with its markup encoded; ``shown`` decodes it at the end. So do
    formulas that need no typesetting: «где x и y — числа».
    """
    text = _FORMULA.sub(lambda formula: literal(formula[1]), _ANY_PRIVATE.sub("", text))
    token = _TOKEN.search(text)
    if token is None:
        return text
    headings = [heading.start() for heading in re.finditer("\n==", text)]
    last_comment_ends = text.rfind("-->")
    kept: list[str] = []  # pieces of the result
    tags: list[tuple[str, int, int]] = []  # open tags: name, index in kept, position in text
    counts: Counter[str] = Counter()  # of the names in tags
    at = 0
    while token:
        kept.append(text[at : token.start()])
        at = token.end()
        name = (token[2] or "").lower()
        if not name:
            # A comment that is not closed is removed to the end of its line.
            end = text.find("-->", at) + 3 if at <= last_comment_ends else text.find("\n", at)
            at = end if end >= 0 else len(text)
        elif not token[1]:
            if not token[3].endswith("/"):
                tags.append((name, len(kept), at))
                counts[name] += 1
                kept.append("")
        elif counts[name]:
            tag = ""
            while tag != name:
                tag, index, start = tags.pop()
                counts[tag] -= 1
            if name == _LITERAL_TAG:
                kept[index:] = [literal(text[start : token.start()])]
            elif name == "table" or bisect(headings, start) == bisect(headings, token.start()):
                del kept[index:]
            else:
                kept[index] = " "
        token = _TOKEN.search(text, at)
    kept.append(text[at:])
    for _, index, _ in tags:
        kept[index] = " "
    return "".join(kept)


def literal(text: str) -> str:
    """Encode a text so that nothing in it is taken for markup; see ``shown``."""
    return text.translate(_PRIVATE)


def shown(text: str) -> str:
    """Decode the markup that ``literal`` encoded."""
    return text.translate(_PUBLIC) if _ANY_PRIVATE.search(text) else text
