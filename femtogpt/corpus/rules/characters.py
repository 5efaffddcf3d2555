"""Rules for single characters: one way to write each, and no invisible ones."""

from __future__ import annotations

import html
import re
from html.entities import html5

import polars as pl

from femtogpt.corpus.rules.rule_registry import (
    has,
    map_lines,
    map_texts,
    matches,
    replace_where_found,
    replacement,
    rule,
    where,
)
from femtogpt.sources.formats.superscripts import lowered, raised


@rule(
    "раз\r\nдва\rтри\u2028четыре",
    "раз\nдва\nтри\nчетыре",
    needs="a line end of another system",
    keeps_letters=True,
)
def line_ends(text: pl.Expr) -> pl.Expr:
    r"""Convert every kind of line end to \n."""
    return text.str.replace_all(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n")


_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z]\w*);")
_ESCAPED = re.compile(r"&(?:(?:amp|AMP|#0*38|#[xX]0*26);)+")  # an ampersand, however many times
MAX_PASSES = 10  # over a text in which one reference makes part of another


@rule(
    "d&#233;j&agrave; vu&nbsp;&amp;mdash; он",
    "déjà vu\u00a0— он",
    needs="the exact name or number of one of HTML's characters between & and ;",
    of_markup=True,
)
def entities(text: pl.Expr) -> pl.Expr:
    """Convert HTML character references to characters, also those that were escaped twice."""
    return map_texts(has("&"), _unescaped, text)


def _unescaped(text: str) -> str:
    for _ in range(MAX_PASSES):
        plain = _ENTITY.sub(_character, _ESCAPED.sub("&", text))
        if plain == text:
            break
        text = plain
    return text


def _character(reference: re.Match[str]) -> str:
    name = reference[0][1:]
    return html.unescape(reference[0]) if name[0] == "#" or name in html5 else reference[0]


_NAME = (  # HTML's own only: vector<int> is not a tag
    r"(?:[abipqsu]|h[1-6r]|br|d[dlt]|em|li|ol|t[dhrt]|ul|big|body|center|cite|code|div|font|head"
    r"|html|img|nobr|pre|small|span|strike|strong|su[bp]|table|title)"
)
_TAG = re.compile(rf"(?i)<!--[^<>]{{0,200}}-->|</?{_NAME}(\s[^<>]{{0,200}})?/?>")
_TAGS = re.compile(rf"(?:{_TAG.pattern[4:]})+", re.IGNORECASE)
_ENDS_LINE = re.compile(
    r"(?i)</?(?:p|h[1-6r]|br|d[dlt]|li|ol|tr|ul|body|center|div|pre|table|title)\b"
)
_ENDS_CELL = re.compile(r"(?i)</?t[dh]\b")
_ATTRIBUTE = re.compile(r"\s*[A-Za-z][\w:-]*\s?=")
_BARE = frozenset({"noshade", "nowrap", "compact", "border", "hidden", "checked", "selected", "/"})
_MARKUP = (  # what tells tags from letters in angle brackets
    rf"(?i)<!--|</{_NAME}\s*>|<[bh]r\s*/?>|\n\s*<(?:p|li)>|<img\s|<{_NAME}\s+[a-z-]{{1,20}}\s?="
)
_SHIFTED = re.compile(r"(?i)<su(p|b)(?:\s[^<>]{0,200})?>([^<>\n]{1,30})</su\1>")
_EDIT = r"(?m)([\pL\pN)»])\[(?:править|edit)(?: \| [^\[\]\n]{0,30})?\][ \t\u00a0]*$"


@rule(
    "глава<hr> <B>первая</B><br/>, если a<b, 5 м<sup>2</sup>, H<sub>2</sub>O",
    "глава первая, если a<b, 5 м², H₂O",
    needs="tags of HTML, one of which closes, breaks a line or has attributes; a heading's end",
    of_markup=True,
)
def tags(text: pl.Expr) -> pl.Expr:
    """Remove HTML tags, and a wiki's edit link [править]; keep super- and subscripts."""
    text = where(has("[править", "[edit"), replacement(_EDIT, "$1"), text)
    text = map_texts(has("<su", "<SU"), _with_shifted, text)
    return where(matches("<[A-Za-z/!]"), _without_markup, text)


def _without_markup(text: pl.Expr) -> pl.Expr:
    return map_texts(matches(_MARKUP), _untagged, text)


def _untagged(text: str) -> str:
    def without(tags: re.Match[str]) -> str:
        kept = _TAG.sub(lambda tag: "" if _has_attributes(tag[1] or "") else tag[0], tags[0])
        before, after = (
            text[max(0, tags.start() - 1) : tags.start()],
            text[tags.end() : tags.end() + 1],
        )
        return kept or _gap(tags[0], before, after)

    return _TAGS.sub(without, text)


def _gap(tags: str, before: str, after: str) -> str:
    """What keeps two words apart between which there were only these tags."""
    if not before or before.isspace() or not after or after.isspace() or after in ",.;:!?…)»":
        return ""
    return "\n" if _ENDS_LINE.search(tags) else " " if _ENDS_CELL.search(tags) else ""


def _has_attributes(inside: str) -> bool:
    """Whether a tag has attributes or nothing in it: in «a <b и c> d» it is text."""
    return bool(_ATTRIBUTE.match(inside)) or _BARE.issuperset(inside.lower().split())


def _with_shifted(text: str) -> str:
    def shifted(match: re.Match[str]) -> str:
        return raised(match[2]) if match[1] in "pP" else lowered(match[2])

    return _SHIFTED.sub(shifted, text)


_JOINER = "\u200d"
_INVISIBLE = "".join(  # control characters, and those without a width but the joiner
    chr(code)
    for codes in (
        *(range(0x00, 0x09), range(0x0E, 0x20), range(0x7F, 0x85), range(0x86, 0xA0), [0xAD]),
        *(range(0x200B, 0x200D), range(0x200E, 0x2010), range(0x202A, 0x202F)),
        *(range(0x2060, 0x2065), [0xFEFF]),
    )
    for code in codes
)
_EMOJI = r"\p{Extended_Pictographic}[\x{fe0f}\x{1f3fb}-\x{1f3ff}]?"  # in colours, of a skin tone
_JOINED = f"({_EMOJI}(?:{_JOINER}{_EMOJI})+)"  # several emoji that are shown as one: a family
_LOST = "\ufffd"  # where a source has bytes that are no character
_MARKED = rf"((?:{_LOST}*[\pL\pN\pM])+{_LOST}*)|{_LOST}+"  # a word with its marks, or marks alone


@rule(
    f"сло\u00adво\ufeff и\x7f де{_JOINER}ло\x01 \U0001f469{_JOINER}\U0001f467 {_LOST} сло{_LOST}о",
    f"слово и дело \U0001f469{_JOINER}\U0001f467  сло{_LOST}о",
    needs=f"a character that shows nothing and joins no two emoji, or {_LOST} beside no letter",
    keeps_letters=True,
)
def invisible(text: pl.Expr) -> pl.Expr:
    """Remove control characters, soft hyphens, byte order marks and zero-width characters.

    The mark of a place that could not be read (U+FFFD) stays where it stands for a letter, so that
    no other word comes of the rest.
    """
    text = where(has(_JOINER), replacement(f"{_JOINED}|{_JOINER}", "$1"), text)
    text = where(has(*_INVISIBLE), replacement(f"[{_INVISIBLE}]", ""), text)
    return where(has(_LOST), replacement(_MARKED, "$1"), text)


_ACUTE, _GRAVE, _CIRCUMFLEX = "\u0301", "\u0300", "\u0302"


@rule(
    "vanite€, espe`ce, мо€ре",
    f"vanite{_ACUTE}, espe{_GRAVE}ce, мо{_ACUTE}ре",
    needs="the sign right after a letter; ` and ^ between Latin letters",
)
def loose_accents(text: pl.Expr) -> pl.Expr:
    """Put an accent that an old file has as a sign after the letter (€ ` ^) on the letter."""

    def combine(text: pl.Expr) -> pl.Expr:
        text = text.str.replace_all(r"(\p{L})€", f"${{1}}{_ACUTE}")
        text = text.str.replace_all(r"([aeiou])`([a-z])", f"${{1}}{_GRAVE}$2")
        return text.str.replace_all(r"([aeiou])\^([a-z])", f"${{1}}{_CIRCUMFLEX}$2")

    return where(has("€", "`", "^"), combine, text)


_LETTER = r"([А-Яа-яЁёІіѢѣѲѳѴѵ][\u0306\u0308]?)"  # й and ё may be decomposed


_READY_MADE = {"\u0450": "е", "\u045d": "и", "\u0400": "Е", "\u040d": "И"}  # with a grave accent


@rule(
    "за\u0301мок и замо\u0301к, вс\u0450; café",
    "замок и замок, все; café",
    needs="a combining accent after a Cyrillic letter, or ѐ and ѝ, which have one",
)
def stress_marks(text: pl.Expr) -> pl.Expr:
    """Remove stress marks from Cyrillic vowels; keep ё, й and the accents of other scripts."""
    marks = replacement(_LETTER + r"[\u0300\u0301]+", "$1")
    text = where(has("\u0300", "\u0301"), marks, text)
    return where(has(*_READY_MADE), _without_ready_made, text)


def _without_ready_made(text: pl.Expr) -> pl.Expr:
    for marked, plain in _READY_MADE.items():
        text = text.str.replace_all(marked, plain, literal=True)
    return text


@rule(
    "у'же, что'; чудн_о_, к`ак; д'Артаньян",
    "уже, что; чудно, как; д'Артаньян",
    needs="the sign beside a Cyrillic vowel within a word; an apostrophe that closes no quotation",
)
def typed_stress(text: pl.Expr) -> pl.Expr:
    """Remove the apostrophe after a vowel, _ around it or ` before it if they mark the stress."""
    text = where(has("_"), replacement(r"([а-яё])_([аеёиоуыэюя])_", "$1$2"), text)
    text = where(has("_"), replacement(r"_([аеёиоуыэюяАЕИОУЭЮЯ])_([а-яё])", "$1$2"), text)
    text = where(has("`"), replacement(r"([А-Яа-яё])`([аеёиоуыэюя])", "$1$2"), text)
    return where(has("'"), _unmarked, text)  # in a name, it follows a consonant


def _unmarked(text: pl.Expr) -> pl.Expr:
    text = replace_where_found(r"([аеёиоуыэюя])'([а-яё])", "$1$2", text)
    return where(_unquoted, replacement(r"([аеёиоуыэюя])'([^\pL']|$)", "$1$2"), text)


def _unquoted(text: pl.Expr) -> pl.Expr:
    """Whether a text has apostrophes after vowels, and none that opens a quotation."""
    return text.str.contains("[аеиоуыэюя]'") & ~text.str.contains(r"(?:^|[\s(«„—])'\pL")


_MARKS = "\u0300\u0301\u0302\u0303\u0306\u0308\u030a\u030c\u0327"


@rule(
    "и\u0306 е\u0308",
    "й ё",
    needs="a combining mark",
)
def composed(text: pl.Expr) -> pl.Expr:
    """Compose a letter and its combining mark into one character (Unicode NFC)."""
    return where(has(*_MARKS), lambda text: text.str.normalize("NFC"), text)


_SPACED = re.compile(r"(?<![^\W\d_])[^\W\d_](?:\u00a0[^\W\d_](?![^\W\d_])){2,}")


@rule(
    "Д\u00a0о\u00a0н\u00a0Г\u00a0у\u00a0а\u00a0н",
    "Дон Гуан",
    needs="three or more single letters with no-break spaces between them",
)
def spaced_letters(text: pl.Expr) -> pl.Expr:
    """Join words letter-spaced with no-break spaces; a capital inside one begins a new word."""
    return map_lines(r"\u00a0\pL\u00a0", _closed_up, text)


def _closed_up(line: str) -> str:
    def closed(spaced: re.Match[str]) -> str:
        word = spaced[0].replace("\u00a0", "")
        return word if word.isupper() else re.sub(r"(?<=\w)(?=[А-ЯЁA-Z])", " ", word)

    return _SPACED.sub(closed, line)


_SPACES = "\t\u00a0\u1680\u202f\u205f\u3000\u2581" + "".join(map(chr, range(0x2000, 0x200B)))


@rule(
    "раз\u00a0два\tтри\u2009 четыре",
    "раз два три четыре",
    needs="a space of another kind, or two in a row",
    keeps_letters=True,
)
def spaces(text: pl.Expr) -> pl.Expr:
    """Convert every run of spaces of any kind, except line ends, to one plain space."""
    for kinds in (_SPACES[:4], _SPACES[4:11], _SPACES[11:]):  # to replace all at once is slower
        text = where(has(*kinds), replacement(f"[{kinds}]", " "), text)
    return text.str.replace_all(" {2,}", " ")
