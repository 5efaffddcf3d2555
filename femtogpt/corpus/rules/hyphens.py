"""Hyphens at a line's end or beside a space: other words of the text tell what they are."""

from __future__ import annotations

import re
from collections import Counter

import polars as pl

from femtogpt.corpus.rules.registry import has, mapped, rule
from femtogpt.corpus.rules.signs import LETTER
from femtogpt.corpus.vocabulary import RUSSIAN

_LOOSE = re.compile(  # a literal first: the fastest search re has
    r"-(?: (?=\w)|(?<= -)(?=\w))"
)
_LONGEST = 40  # letters of a word
_BEFORE = re.compile(r"(?<![\w-])(?<!- )[^\W\d_]+(?= ?$)")
_AFTER = re.compile(r"\s*([^\W\d_]+)(?![\w-])")
WORD = re.compile(r"\w+(?:-\w+)*")
_BROKEN = re.compile(r"-\s{0,4}\n\s*([а-яё]+(?:-[а-яё]+)*)")
_STEM = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*$")
_SHADE = r"(?:син|зел[её]н|красн|ж[её]лт|сер|бел|ч[её]рн|голуб|розов|коричнев|бур|рыж|русы)"
_COMPOUND = re.compile(  # what is written with a hyphen
    r"по-\w*(?:[ое]му|[сц]ки|ьи)|во?-(?:перв|втор|трет|четв[её]р|пят|шест|седьм)\w+|из-(?:за|под)"
    r"|ко[ей]-\w+|пол-[аеёиоуэюял]\w*|(?:юго|северо)-(?:запад|восто)\w*|обер-(?![нте])\w+"
    r"|(?:вице|штабс|унтер|лейб)-\w+|\w+-(?:либо|нибудь|таки|с)|(\w{3,})-\1|давным-давно"
    rf"|мало-помалу|(?:т[её]мно|светло|ярко|бледно|иссиня)-{_SHADE}\w+",
    re.IGNORECASE,
)
_ENCLITIC = frozenset({"то", "ка", "де", "тка", "тко"})
_WHOLE = re.compile(  # words before these, other than common ones
    r"(?:как|котор|чь|чей|почему|зачем|отчего|откуда|сколько|кем|чему)\w*"
    r"|ну|дай|давай|по(?:ди|годи|стой|смотри|гляди)|иди|стой|смотри|скажи|возьми|гляди",
    re.IGNORECASE,
)
WIDE = 45  # characters of a line that is hardly verse
_SHARED = frozenset({"и", "или", "либо", "да"})  # трёх- или четырёхлетний


@rule(
    "Он вышел и посмот-\nрел, нет ли кого-\nнибудь.\nОдиночество-\nэто когда",
    "Он вышел и посмотрел, нет ли кого-нибудь.\nОдиночество-\nэто когда",
)
def broken_words(text: pl.Expr) -> pl.Expr:
    """Words that a line's or a page's end broke are joined; compounds keep their hyphen."""
    return mapped(has("-\n", "- \n"), _joined, text)


def _joined(text: str) -> str:
    words: Counter[str] = Counter()
    pieces, at = [], 0
    for broken in _BROKEN.finditer(text):
        stem = _STEM.search(text[max(at, broken.start() - _LONGEST) : broken.start()])
        if not stem:
            continue
        words = words or Counter(WORD.findall(text.lower()))
        tail = broken[1]
        whole = mended(stem[0], tail, words)
        narrow = broken.start() - text.rfind("\n", 0, broken.start()) <= WIDE
        verse = narrow and broken[0].count("\n") == 1 and tail in RUSSIAN - _ENCLITIC
        if verse and "-" not in whole and not words[whole.lower()]:
            continue  # the hyphen is a dash
        pieces += [text[at : broken.start() - len(stem[0])], whole]
        at = broken.end()
    return "".join([*pieces, text[at:]])


def mended(stem: str, line: str, words: Counter[str]) -> str:
    """A word that the end of a line broke, and what follows; compounds keep their hyphen."""
    head = WORD.match(line)[0].lower()
    last = stem.rpartition("-")[2].lower()
    if words[f"{stem}-{head}".lower()]:
        keeps = True
    elif words[f"{stem}{head}".lower()]:
        keeps = False
    elif head in _ENCLITIC:
        keeps = last in RUSSIAN or words[last] > 1 or _WHOLE.fullmatch(last) is not None
    else:
        both = words[last] > 1 and words[head] > 1
        keeps = both or _COMPOUND.fullmatch(f"{last}-{head}") is not None
    return f"{stem}-{line}" if keeps else f"{stem}{line}"


@rule(
    "Старый мель- ник молчал- никто не ответил. «Чудак ты, мельник! Кто молчал? Никто».",
    "Старый мельник молчал — никто не ответил. «Чудак ты, мельник! Кто молчал? Никто».",
)
def loose_hyphens(text: pl.Expr) -> pl.Expr:
    """A hyphen and a space within a word that the text has elsewhere go; between words, a dash."""
    return mapped(_has_loose, _told, text)


def _has_loose(text: pl.Expr) -> pl.Expr:
    """Several tests, as one with all would be slow."""
    after = text.str.contains(rf"[{LETTER}]- [{LETTER}]")
    return after | text.str.contains(rf"[{LETTER}] -[{LETTER}]")


def _told(text: str) -> str:
    pieces, at = [], 0
    for hyphen in _LOOSE.finditer(text):
        place = hyphen.start()
        before = _BEFORE.search(text[max(at, place - _LONGEST) : place])
        after = _AFTER.match(text, place + 1, place + _LONGEST)
        if not before or not after or text[place - 1 : place + 2] == " - ":
            continue
        between = _between(text, before[0], after[1])
        if between is not None:
            pieces += [text[at:place].removesuffix(" "), between]
            at = after.start(1)
    return "".join([*pieces, text[at:]])


def _between(text: str, before: str, after: str) -> str | None:
    """What belongs between two parts; None where the text does not tell."""
    if _has_word(text, before + after):
        return ""
    if after in _SHARED or len(after) < 2 or (len(before) < 2 and before not in "яЯ"):
        return None
    return " — " if _has_word(text, before) and _has_word(text, after) else None


def _has_word(text: str, word: str) -> bool:
    """Whether a word is in a text, with nothing but spaces and punctuation around."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        around = text[max(0, at - 1) : at] + text[end : end + 1]
        if not any(char.isalnum() or char == "-" for char in around):
            return True
        at = text.find(word, end)
    return False
