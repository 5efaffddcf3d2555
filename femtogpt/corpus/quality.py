"""The document filters, which reject what is not good Russian text.

Their ideas and first limits come from Gopher (Rae et al. 2021, table A1), C4 (Raffel et al. 2020)
and FineWeb as in datatrove. Limits that suit English web pages but not Russian verse, plays and
speech were measured anew. Some filters were left out for that reason: lines that end in an
ellipsis, bullets (which the dashes of a dialogue look like), lines without a full stop. A text over
9,000 characters is judged by three excerpts of 3,000 from fixed positions, and only its repeated
lines by the whole text.
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
from femtogpt.corpus.mojibake import wrong_encoding
from femtogpt.corpus.text_stats import Excerpt
from femtogpt.corpus.vocabulary import IMPOSSIBLE, RUSSIAN

VERDICT = {"rule": pl.String, "figure": pl.String}
Check = Callable[[Excerpt, float], str | None]


@dataclass(frozen=True)
class Filter:
    """A named check; its limit has the same name in the settings.

    ``check(text, limit)`` returns None if the text passes, otherwise the figure that fails it.
    """

    name: str
    check: Check

    @property
    def description(self) -> str:
        return " ".join((self.check.__doc__ or "").split())


FILTERS: dict[str, Filter] = {}  # in the order in which they are applied


def verdicts(frame: pl.DataFrame, config: CorpusConfig) -> pl.DataFrame:
    """The first filter that each document fails: columns rule and figure, null if it passes.

    ``frame`` has a column text; the result has the same rows.
    """
    rows = [verdict(text or "", config) for text in frame["text"]]
    return pl.DataFrame(rows, schema=VERDICT, orient="row")


def verdict(text: str, config: CorpusConfig) -> tuple[str | None, str | None]:
    """The name of the first filter that a text fails, and the figure; (None, None) if it passes."""
    excerpt = Excerpt(text)
    limits = {"empty": 1, **dict(config), **dict(config.quality)}
    for name, document_filter in FILTERS.items():
        figure = document_filter.check(excerpt, limits[name]) if limits[name] else None
        if figure is not None:
            return name, figure
    return None, None


def register_filter(check: Check) -> Check:
    """Register a check as the filter of its function's name."""
    FILTERS[check.__name__] = Filter(check.__name__, check)
    return check


def _above(value: float, limit: float) -> str | None:
    return f"{value:.3g} > {limit:g}" if value > limit else None


def _below(value: float, limit: float) -> str | None:
    return f"{value:.3g} < {limit:g}" if value < limit else None


@register_filter
def empty(text: Excerpt, limit: float) -> str | None:
    """There is no text."""
    return None if text.text.strip() else "0"


@register_filter
def min_characters(text: Excerpt, limit: float) -> str | None:
    """The text is too short."""
    length = len(text.full_text)
    return f"{length} < {limit}" if length < limit else None


@register_filter
def mojibake(text: Excerpt, limit: float) -> str | None:
    """The text was decoded with a wrong encoding («РџСЂРёРІРµС‚», «Ïðèâåò») and undoing that gives
    Russian. Texts with a larger share of Russian function words than the limit are not tested."""
    share = text.share(RUSSIAN)
    return wrong_encoding(text.text, share) if share < limit else None


@register_filter
def min_cyrillic(text: Excerpt, limit: float) -> str | None:
    """Too few of the letters are Cyrillic. Passages in French do not matter."""
    cyrillic = sum(number for letter, number in text.letters.items() if _is_cyrillic(letter))
    return _below(cyrillic / max(1, text.letters.total()), limit)


def _is_cyrillic(letter: str) -> bool:
    return "\u0400" <= letter <= "\u052f" or "\u1c80" <= letter <= "\u1c8f" or "Ꙁ" <= letter <= "ꚟ"


@register_filter
def language(text: Excerpt, limit: float) -> str | None:
    """By its letters and function words, the text is in another language written in Cyrillic."""
    name, share = other_language(text)
    return f"{name} {share:.2f}" if share > limit else None


@register_filter
def repeated_lines(text: Excerpt, limit: float) -> str | None:
    """Too many characters are in repeated lines (Gopher: 0.20; songs with a refrain have 0.4)."""
    return _above(repetition.repeated(text.lines), limit)


@register_filter
def repeated_sentences(text: Excerpt, limit: float) -> str | None:
    """Too many characters are in repeated sentences. Cumulative tales («Репка») pass."""
    return _above(repetition.repeated(text.sentences), limit)


@register_filter
def frequent_ngram(text: Excerpt, limit: float) -> str | None:
    """One pair of words, repeated five times or more, makes up too many letters (Gopher: 0.20)."""
    times, first = repetition.frequent_ngram(text.hashes, 2)
    if times < 5:  # a name may occur four times in a short scene
        return None
    pair = text.words[first : first + 2]
    figure = _above(min(1.0, times * len("".join(pair)) / len("".join(text.words))), limit)
    return f"{figure}: {' '.join(pair)[:60]}" if figure else None


@register_filter
def repeated_ngrams(text: Excerpt, limit: float) -> str | None:
    """Too many of the word 5-grams are repeated (Gopher: 0.15, but «Репка» has 0.44)."""
    return _above(repetition.repeated_ngrams(text.hashes, 5), limit)


_ODD_LETTERS = re.compile(
    r"[аеёиоуыэюяьъ][ьъ]|\b[ьъы]|[бвгджзклмнпрстфхцчшщ]{5}|[аеёиоуыэюя]{4}"
    r"|[а-яё][a-zà-öø-ÿ]|[a-zà-öø-ÿ][а-яё]"
)


@register_filter
def odd_letters(text: Excerpt, limit: float) -> str | None:
    """Too many impossible letter sequences per distinct word (ъь, аь, five consonants, Latin next
    to Cyrillic), as in random letters."""
    count = len(_ODD_LETTERS.findall(" ".join(text.vocabulary)))
    if count < 3:  # abbreviations
        return None
    return _above(count / len(text.vocabulary), limit)


@register_filter
def min_word_length(text: Excerpt, limit: float) -> str | None:
    """The words are too short on average (Gopher: 3)."""
    return _below(text.word_length, limit)


@register_filter
def max_word_length(text: Excerpt, limit: float) -> str | None:
    """The words are too long on average (Gopher: 10): addresses, tags without spaces."""
    return _above(text.word_length, limit)


@register_filter
def min_letters(text: Excerpt, limit: float) -> str | None:
    """Too few of the characters are letters: tables, code, dotted lines (Gopher: 0.8 of words)."""
    characters = sum(n for character, n in text.characters.items() if not character.isspace())
    return _below(text.letters.total() / max(1, characters), limit)


@register_filter
def capitals(text: Excerpt, limit: float) -> str | None:
    """Too many of the letters are capitals."""
    upper = sum(n for character, n in text.characters.items() if character.isupper())
    return _above(upper / max(1, text.letters.total()), limit)


@register_filter
def code(text: Excerpt, limit: float) -> str | None:
    """Too many characters are those of programs and markup (C4: one brace is enough)."""
    return _above(sum(text.characters[sign] for sign in "{}|\\_=$@^~") / len(text.text), limit)


_INNER_CAPITAL = re.compile("(?<=[а-яё])[А-ЯЁ]")


@register_filter
def glued_words(text: Excerpt, limit: float) -> str | None:
    """Too many capitals inside words: «ГлавнаяКонтакты» of lost markup, «ИмяПоля» of programs."""
    return _above(len(_INNER_CAPITAL.findall(text.text)) / max(1, len(text.words)), limit)


@register_filter
def links(text: Excerpt, limit: float) -> str | None:
    """Too many web addresses per word."""
    count = text.lower.count("://") + text.lower.count("www.")
    return _above(count / max(1, len(text.words)), limit)


_BOILERPLATE = (
    *("все права защищены", "пользовательское соглашение", "политика конфиденциальности"),
    *("персональных данных", "публичной офертой", "активная ссылка", "cookie", "файлы куки"),
    *("личный кабинет", "карта сайта", "обратная связь", "версия для печати", "javascript"),
    *("читать далее", "показать ещё", "подпишитесь на", "вашем браузере", "lorem ipsum"),
    *("страница не найдена", "на главную", "доставка и оплата", "добавить в корзину"),
    *("вернуться к началу", "ответить с цитатой", "powered by", "мобильное приложение"),
)


@register_filter
def boilerplate(text: Excerpt, limit: float) -> str | None:
    """Too many stock phrases of web pages per word, at least two different ones (C4 drops the
    lines)."""
    counts = {phrase: number for phrase in _BOILERPLATE if (number := text.lower.count(phrase))}
    if len(counts) < 2:  # an article may be about one of them
        return None
    figure = _above(sum(counts.values()) / max(1, len(text.words)), limit)
    return f"{figure}: {', '.join(counts)[:60]}" if figure else None


@register_filter
def function_words(text: Excerpt, limit: float) -> str | None:
    """Too few words like «и», «не», «что»: keywords, names, unknown languages (Gopher: two)."""
    allowance = 1  # a line about a person's life may have none
    return _below((text.count(RUSSIAN) + allowance) / max(1, len(text.words)), limit)


@register_filter
def lists(text: Excerpt, limit: float) -> str | None:
    """A list or a menu: few function words, with hardly any punctuation, mostly commas or repeated
    words. The limit is the share of function words."""
    share, words = text.share(RUSSIAN), max(1, len(text.words))
    marks = sum(text.characters[mark] for mark in ".,;:!?…") / words
    commas = text.characters[","] / words
    different = len(text.vocabulary) / words
    if share >= limit or not (marks < 0.05 or commas > 0.6 or different < 0.4):
        return None
    return f"of words: {share:.2g} function, {different:.2g} different; {marks:.2g} marks per word"


@register_filter
def word_order(text: Excerpt, limit: float) -> str | None:
    """Too many impossible pairs per word («на или», «от было», «и же»), as in shuffled words."""
    tokens = text.tokens
    wrong = sum(
        word in IMPOSSIBLE and after in IMPOSSIBLE[word] for word, after in pairwise(tokens)
    )
    return _above(wrong / len(tokens), limit) if wrong > 1 else None
