"""The document filters: what is no good Russian text is rejected, by name and figure.

Their ideas and first limits are those of Gopher (Rae et al. 2021, table A1), C4 (Raffel et al.
2020) and FineWeb as in datatrove. What suits English pages but not Russian verse, plays and
speech was measured and set anew, or left out: lines that end in an ellipsis, bullets (a dialogue's
dashes look like them), lines without a full stop. Of texts over 9,000 characters three stretches
of 3,000 at fixed places are judged, but for repeated lines, which are of the whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from femtogpt.config import CorpusConfig
from femtogpt.corpus import repetition
from femtogpt.corpus.language_detection import other_language
from femtogpt.corpus.mojibake import mistake
from femtogpt.corpus.text_stats import Excerpt
from femtogpt.corpus.vocabulary import IMPOSSIBLE, RUSSIAN

VERDICT = {"rule": pl.String, "figure": pl.String}
Check = Callable[[Excerpt, float], str | None]


@dataclass(frozen=True)
class Filter:
    """A check with its name, which is also that of its limit in the settings.

    Given a text and the limit it says None for a good text, else the figure against it.
    """

    name: str
    check: Check

    @property
    def description(self) -> str:
        return " ".join((self.check.__doc__ or "").split())


FILTERS: dict[str, Filter] = {}  # in the order in which they are asked


def verdicts(frame: pl.DataFrame, config: CorpusConfig) -> pl.DataFrame:
    """For each document the first filter that it fails: columns rule and figure, null if none.

    ``frame`` has a column text; the rows come out in its order.
    """
    rows = [verdict(text or "", config) for text in frame["text"]]
    return pl.DataFrame(rows, schema=VERDICT, orient="row")


def verdict(text: str, config: CorpusConfig) -> tuple[str | None, str | None]:
    """The name of the first filter that a text fails and the figure, or (None, None)."""
    excerpt = Excerpt(text)
    limits = {"empty": 1, **dict(config), **dict(config.quality)}
    for name, each in FILTERS.items():
        figure = each.check(excerpt, limits[name]) if limits[name] else None
        if figure is not None:
            return name, figure
    return None, None


def document_filter(check: Check) -> Check:
    """Register a check under its function's name."""
    FILTERS[check.__name__] = Filter(check.__name__, check)
    return check


def _above(value: float, limit: float) -> str | None:
    return f"{value:.3g} > {limit:g}" if value > limit else None


def _below(value: float, limit: float) -> str | None:
    return f"{value:.3g} < {limit:g}" if value < limit else None


@document_filter
def empty(text: Excerpt, limit: float) -> str | None:
    """There is no text."""
    return None if text.text.strip() else "0"


@document_filter
def min_characters(text: Excerpt, limit: float) -> str | None:
    """Too short."""
    length = len(text.whole)
    return f"{length} < {limit}" if length < limit else None


@document_filter
def mojibake(text: Excerpt, limit: float) -> str | None:
    """Decoded in a wrong encoding: undoing that makes Russian of it («РџСЂРёРІРµС‚», «Ïðèâåò»)."""
    share = text.share(RUSSIAN)
    return mistake(text.text, share) if share < limit else None


@document_filter
def min_cyrillic(text: Excerpt, limit: float) -> str | None:
    """Too few of the letters are Cyrillic; passages in French do not matter."""
    cyrillic = sum(number for letter, number in text.letters.items() if _is_cyrillic(letter))
    return _below(cyrillic / max(1, text.letters.total()), limit)


def _is_cyrillic(letter: str) -> bool:
    return "\u0400" <= letter <= "\u052f" or "\u1c80" <= letter <= "\u1c8f" or "Ꙁ" <= letter <= "ꚟ"


@document_filter
def language(text: Excerpt, limit: float) -> str | None:
    """In another language in Cyrillic: its share of the evidence in letters and function words."""
    name, share = other_language(text)
    return f"{name} {share:.2f}" if share > limit else None


@document_filter
def repeated_lines(text: Excerpt, limit: float) -> str | None:
    """Characters in lines that came before (Gopher: 0.20, but songs with a refrain have 0.4)."""
    return _above(repetition.repeated(text.lines), limit)


@document_filter
def repeated_sentences(text: Excerpt, limit: float) -> str | None:
    """Characters in sentences that came before; cumulative tales («Репка») stay below."""
    return _above(repetition.repeated(text.sentences), limit)


@document_filter
def frequent_ngram(text: Excerpt, limit: float) -> str | None:
    """Letters that one pair of words covers, coming five times or more (Gopher: 0.20)."""
    times, place = repetition.frequent_ngram(text.hashes, 2)
    if times < 5:  # a name comes four times in a short scene
        return None
    pair = text.words[place : place + 2]
    figure = _above(min(1.0, times * len("".join(pair)) / len("".join(text.words))), limit)
    return f"{figure}: {' '.join(pair)[:60]}" if figure else None


@document_filter
def repeated_ngrams(text: Excerpt, limit: float) -> str | None:
    """Runs of five words that came before (Gopher: 0.15, but «Репка» has 0.44)."""
    return _above(repetition.repeated_ngrams(text.hashes, 5), limit)


_ODD_LETTERS = re.compile(r"[аеёиоуыэюяьъ][ьъ]|\b[ьъы]|[бвгджзклмнпрстфхцчшщ]{5}|[аеёиоуыэюя]{4}")


@document_filter
def odd_letters(text: Excerpt, limit: float) -> str | None:
    """Impossible runs of letters per different word (ъь, аь, five consonants): made by chance."""
    found = len(_ODD_LETTERS.findall(" ".join(text.vocabulary)))
    if found < 3:  # abbreviations
        return None
    return _above(found / len(text.vocabulary), limit)


@document_filter
def min_word_length(text: Excerpt, limit: float) -> str | None:
    """Words are too short on average (Gopher: 3)."""
    return _below(text.word_length, limit)


@document_filter
def max_word_length(text: Excerpt, limit: float) -> str | None:
    """Words are too long on average (Gopher: 10): addresses, tags without spaces."""
    return _above(text.word_length, limit)


@document_filter
def min_letters(text: Excerpt, limit: float) -> str | None:
    """Too few of the characters are letters: tables, code, dotted lines (Gopher: of words, 0.8)."""
    characters = sum(n for character, n in text.characters.items() if not character.isspace())
    return _below(text.letters.total() / max(1, characters), limit)


@document_filter
def capitals(text: Excerpt, limit: float) -> str | None:
    """Too many of the letters are capitals."""
    upper = sum(n for character, n in text.characters.items() if character.isupper())
    return _above(upper / max(1, text.letters.total()), limit)


@document_filter
def code(text: Excerpt, limit: float) -> str | None:
    """Signs of programs and markup among the characters (C4: one brace is enough)."""
    return _above(sum(text.characters[sign] for sign in "{}|\\_=$@^~") / len(text.text), limit)


_INNER_CAPITAL = re.compile("(?<=[а-яё])[А-ЯЁ]")


@document_filter
def glued_words(text: Excerpt, limit: float) -> str | None:
    """Capitals inside words, per word: «ГлавнаяКонтакты» of lost markup, «ИмяПоля» of programs."""
    return _above(len(_INNER_CAPITAL.findall(text.text)) / max(1, len(text.words)), limit)


@document_filter
def links(text: Excerpt, limit: float) -> str | None:
    """Addresses of the web per word."""
    found = text.lower.count("://") + text.lower.count("www.")
    return _above(found / max(1, len(text.words)), limit)


_BOILERPLATE = (
    *("все права защищены", "пользовательское соглашение", "политика конфиденциальности"),
    *("персональных данных", "публичной офертой", "активная ссылка", "cookie", "файлы куки"),
    *("личный кабинет", "карта сайта", "обратная связь", "версия для печати", "javascript"),
    *("читать далее", "показать ещё", "подпишитесь на", "вашем браузере", "lorem ipsum"),
    *("страница не найдена", "на главную", "доставка и оплата", "добавить в корзину"),
    *("вернуться к началу", "ответить с цитатой", "powered by", "мобильное приложение"),
)


@document_filter
def boilerplate(text: Excerpt, limit: float) -> str | None:
    """Phrases of web pages per word, two different ones at least (C4 drops such lines)."""
    found = {phrase: number for phrase in _BOILERPLATE if (number := text.lower.count(phrase))}
    if len(found) < 2:  # an article may be about one of them
        return None
    figure = _above(sum(found.values()) / max(1, len(text.words)), limit)
    return f"{figure}: {', '.join(found)[:60]}" if figure else None


@document_filter
def function_words(text: Excerpt, limit: float) -> str | None:
    """Too few words like «и», «не», «что»: keywords, names, unknown tongues (Gopher: two)."""
    granted = 1  # a line about a person's life may have none
    return _below((text.times(RUSSIAN) + granted) / max(1, len(text.words)), limit)


@document_filter
def lists(text: Excerpt, limit: float) -> str | None:
    """Few function words, and hardly any marks, or little but commas or the same words: menus."""
    share, words = text.share(RUSSIAN), max(1, len(text.words))
    marks = sum(text.characters[mark] for mark in ".,;:!?…") / words
    commas = text.characters[","] / words
    different = len(text.vocabulary) / words
    if share >= limit or not (marks < 0.05 or commas > 0.6 or different < 0.4):
        return None
    return f"of words: {share:.2g} function, {different:.2g} different; {marks:.2g} marks per word"


@document_filter
def word_order(text: Excerpt, limit: float) -> str | None:
    """Shuffled words: pairs per word that no sentence has («на или», «от было», «и же»)."""
    tokens = text.tokens
    wrong = sum(
        word in IMPOSSIBLE and after in IMPOSSIBLE[word] for word, after in pairwise(tokens)
    )
    return _above(wrong / len(tokens), limit) if wrong > 1 else None
