"""A rule for Latin letters that stand for Cyrillic ones: «cпасибо», «молóчный», «ещë».

They come from keyboards, OCR, copy protection, and from stress written with ready-made letters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import polars as pl

from femtogpt.corpus.rules.rule_registry import has, matches, rule, where
from femtogpt.corpus.utf8 import joined

_PAIRS = (
    ("aceopxykABCEHKMOPTXY", "асеорхукАВСЕНКМОРТХУ"),
    ("áàéèóòýỳÁÀÉÈÓÒÝỲëË", "ааееооууААЕЕООУУёЁ"),  # stress, which stress_marks removes elsewhere
)
TO_CYRILLIC = str.maketrans(dict(zip(*map("".join, zip(*_PAIRS, strict=True)), strict=True)))
_LOOKS_LATIN = frozenset(TO_CYRILLIC.values())  # Cyrillic letters that decide nothing
CYRILLIC, LATIN = "\u0400-\u052f", "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_MIXED = re.compile(  # but for moves in chess: Кc6
    rf"(?<![^\W\d_])(?:[{CYRILLIC}]+[{LATIN}]|[{LATIN}]+[{CYRILLIC}])[^\W\d_]*+(?!(?<=[a-h])[1-8])"
)
_LOOKS_CYRILLIC = "".join(map(chr, TO_CYRILLIC))
_PAIR = re.compile(rf"[{CYRILLIC}][{_LOOKS_CYRILLIC}]|[{_LOOKS_CYRILLIC}][{CYRILLIC}]")
_NUMERAL = re.compile(r"[XХ]+(?:вв?|г[го]?|го|му|м|й|я|е|ой|ом|ый|ая|ое|х)")  # XXв, Xго
_LATIN_WORD = re.compile(rf"(?<![^\W_])[{LATIN}]+(?![^\W_])")
_SINGLE = frozenset("авкосу")  # words of one letter
_WORD = re.compile(r"[^\W\d_]+")
MIN_MIXED, MIXED_SHARE = 3, 0.01  # words, from which on a document's Latin «c», «oнa» are mended
SAMPLE = 100_000  # characters of a document that show how many it has
_BLOCK = 1 << 17  # bytes searched together, so that they stay in the processor's cache
_NEAR = 40  # characters on either side of a word in which its neighbours are
_OLD = "а-яёѣіѳѵА-ЯЁѢІѲѴ"
_LATIN_I = (  # typed for і beside a Cyrillic letter; «IIй» is a number
    (rf"([{_OLD}])[iïíì]", "${1}і"),
    (rf"[iïíì]([{_OLD}])", "і$1"),
    (rf"(^|[^\pL])[IÏÍ]([{_OLD}]{{3}})", "${1}І$2"),
    (rf"([{_OLD}])[IÏÍ]", "${1}І"),
    (r"[IÏÍ]([А-ЯЁѢІѲѴ]{2})", "І$1"),
)
_BESIDE = rf"[{_OLD}][iïíìIÏÍ]|[iïíìIÏÍ][{_OLD}]"


@rule(
    "Мы eдем c Oлей по дорóге; веб-cайт, ещë, IT-отдел, XXв, Coca-Cola, витамин C",
    "Мы едем с Олей по дороге; веб-сайт, ещё, IT-отдел, XXв, Coca-Cola, витамин C",
    needs="a word of Cyrillic letters and of Latin ones that all look Cyrillic",
)
def lookalikes(text: pl.Expr) -> pl.Expr:
    """Write Latin letters that look Cyrillic as Cyrillic ones in a Russian word, without stress.

    If 1 % of a document's words have such letters, also words of nothing but such letters between
    Russian ones. In a text with ѣ, i beside a Cyrillic letter becomes і.
    """
    text = where(has("ѣ"), _with_old_i, text)
    return pl.map_batches([text], _in_cyrillic, return_dtype=pl.String)


def is_old(text: pl.Expr) -> pl.Expr:
    """Whether a text has more letters and endings of before 1918 than a quotation would."""
    return text.str.count_matches(r"[ѣѢѳѲѵѴ]|\p{Ll}ъ(?:[^\pL]|$)") >= 3


def _with_old_i(text: pl.Expr) -> pl.Expr:
    return where(matches(_BESIDE), lambda text: where(is_old, old_i, text), text)


def old_i(text: pl.Expr) -> pl.Expr:
    """Write a Latin i beside a Cyrillic letter as і."""
    for pattern, value in _LATIN_I:  # twice: two that share a letter need two passes
        text = text.str.replace_all(pattern, value).str.replace_all(pattern, value)
    return text


def _in_cyrillic(columns: Sequence[pl.Series]) -> pl.Series:
    texts = columns[0]
    data, starts = joined(texts.fill_null(""))
    places = _mixed(data)
    rows = np.searchsorted(starts, places, "right") - 1
    changed = [
        (row, _lines_mended(data[starts[row] : starts[row + 1]], places[rows == row] - starts[row]))
        for row in np.unique(rows).tolist()
    ]
    new = pl.Series([text for _, text in changed], dtype=pl.Binary).cast(pl.String)
    return texts.scatter([row for row, _ in changed], new) if changed else texts


def _lines_mended(data: np.ndarray, places: np.ndarray) -> bytes:
    """A text with mixed words in the lines of some places."""
    text = data.tobytes()
    if _full_of_them(text, places):
        text = _mended_whole(text.decode()).encode()
        places = _mixed(np.frombuffer(text, np.uint8))
    pieces, at = [], 0
    for place in places.tolist():
        if place >= at:
            start, end = text.rfind(b"\n", at, place) + 1 or at, text.find(b"\n", place)
            end = len(text) if end < 0 else end
            pieces += [text[at:start], _mended(text[start:end].decode()).encode()]
            at = end
    return b"".join([*pieces, text[at:]])


def _mixed(data: np.ndarray) -> np.ndarray:
    """Where a Latin letter may stand beside a Cyrillic one: bytes of a text in UTF-8.

    The Latin letters that look Cyrillic are in ASCII or begin with the bytes C3 or E1.
    """
    places = [np.empty(0, np.int64)]
    for begin in range(0, len(data), _BLOCK):
        block = data[begin : begin + _BLOCK + 3]
        latin, cyrillic = (block | 0x20) - 0x61 < 26, block - 0xD0 < 5
        two, three = block == 0xC3, block == 0xE1
        found = np.zeros(len(block), bool)
        for letters, size in ((latin, 1), (two, 2), (three, 3)):
            found[:-size] |= letters[:-size] & cyrillic[size:]
        latin |= two
        latin |= three
        found[:-2] |= cyrillic[:-2] & latin[2:]
        places.append(np.flatnonzero(found) + begin)
    return np.unique(np.concatenate(places))  # the blocks overlap


def _full_of_them(text: bytes, places: np.ndarray) -> bool:
    """Whether the beginning of a text has many mixed words, by a word of ten bytes or more."""
    longest = 4 * SAMPLE  # bytes of the beginning
    may_be = int(np.searchsorted(places, longest))
    if 10 * may_be < MIXED_SHARE * min(len(text), SAMPLE):
        return False
    start = text[:longest].decode(errors="ignore")[:SAMPLE]
    pairs = len(_PAIR.findall(start))
    return pairs >= MIN_MIXED and 10 * pairs >= MIXED_SHARE * len(start.encode())


def _mended(text: str) -> str:
    return _MIXED.sub(lambda word: _cyrillic(word[0]), text)


def _mended_whole(text: str) -> str:
    """A text with all its look-alikes mended, if enough of them are in Russian words."""
    mended = sum(_cyrillic(word[0]) != word[0] for word in _MIXED.finditer(text))
    if mended < MIN_MIXED or mended < MIXED_SHARE * len(_WORD.findall(text)):
        return text
    text = _MIXED.sub(lambda word: _cyrillic(word[0], surely=True), text)
    return _LATIN_WORD.sub(_between_russian, text)


def _cyrillic(word: str, surely: bool = False) -> str:
    """A word of both scripts in Cyrillic; unchanged if a letter says that it may be Latin.

    ``surely``: even if no letter decides, because the text has many such words.
    """
    new = word.translate(TO_CYRILLIC)
    if not all(map(_is_cyrillic, new)) or _NUMERAL.fullmatch(word):
        return word
    kept = [old for old, changed in zip(word, new, strict=True) if old == changed]
    decided = any(letter not in _LOOKS_LATIN for letter in kept)
    return new if decided or surely or 2 * len(kept) >= len(word) else word


def _between_russian(word: re.Match[str]) -> str:
    """A word of nothing but look-alikes in Cyrillic, if the words beside it are Russian."""
    old, new = word[0], word[0].translate(TO_CYRILLIC)
    if not all(map(_is_cyrillic, new)) or (len(new) > 1 and new.isupper()):
        return old
    text, (start, end) = word.string, word.span()
    left, right = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    if len(new) == 1 and not (new.lower() in _SINGLE and _stands_free(new, left, right)):
        return old
    beside = [*_WORD.findall(left)[-1:], *_WORD.findall(right)[:1]]
    russian = [all(map(_is_cyrillic, other.translate(TO_CYRILLIC))) for other in beside]
    return new if beside and all(russian) else old


def _stands_free(letter: str, left: str, right: str) -> bool:
    """Whether a single letter stands where a word would, and not where a name or a label would."""
    begins = not left.rstrip(" «„—–-") or left.rstrip(" «„—–-")[-1] in ".!?…:\n"
    follows = right[:1] == " " and _is_cyrillic(right[1:2].translate(TO_CYRILLIC))
    return follows and (begins if letter.isupper() else left[-1:] in ("", "\n", " ", "«"))


def _is_cyrillic(letter: str) -> bool:
    return "\u0400" <= letter <= "\u052f"
