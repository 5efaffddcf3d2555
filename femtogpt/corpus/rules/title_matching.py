"""Match lines with the names of authors and titles, regardless of case, ё, punctuation, script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import lru_cache

from femtogpt.sources.info import key_of

MIN_RATIO = 0.82  # of two keys that are alike but for a misprint or a variant spelling
_SOUNDS = (  # Cyrillic to Latin, then what transliterations write differently
    *zip("абвгдезиклмнопрстуфэ", "abvhdesiklmnoprstufe", strict=True),
    *(("ж", "zh"), ("х", "h"), ("ц", "s"), ("ч", "ch"), ("ш", "sh"), ("щ", "sh"), ("ю", "u")),
    *(("shch", "sh"), ("sch", "sh"), ("kh", "h"), ("ts", "s"), ("tz", "s"), ("zh", "Z")),
    *(("ch", "C"), ("sh", "S"), ("g", "h"), ("z", "s"), ("w", "v"), ("ph", "f"), ("x", "ks")),
)
_NAME = re.compile(
    r"(?:[А-ЯЁ][а-яё]+(?:-[А-ЯЁ][а-яё]+)?|[А-ЯЁ]\.)(?:\s?[А-ЯЁ]\.|\s[А-ЯЁ][а-яё]+){0,2}"
)
_WORDS = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=50_000)
def sounds(word: str) -> str:
    """The consonants of a name, equal for «Чехов» and Chekhov."""
    word = word.lower()
    for letters, sound in _SOUNDS:
        word = word.replace(letters, sound)
    return re.sub(r"[^bvhdklmnprstfcqZCS]", "", word)


def is_author(line: str, author: str | None) -> bool:
    """Whether a line is the author's name, in any form and script."""
    words = _WORDS.findall(line)
    if not author or not 1 <= len(words) <= 7 or not all(word[0].isupper() for word in words):
        return False
    if words[0].lower().startswith("посвящ") or line.rstrip().endswith(
        (":", ",", ";", "!", "?", "-", "—")
    ):
        return False
    author_sounds = {sounds(word) for word in _WORDS.findall(author) if len(word) > 2}
    return any(len(sound) > 1 and sound in author_sounds for sound in map(sounds, words))


def looks_like_name(line: str) -> bool:
    """Whether a line has the form of a person's name: «Антон Чехов», «А. П. Чехов»."""
    return " " in line.strip() and _NAME.fullmatch(line.strip().rstrip(".")) is not None


def titles(title: str) -> Iterator[str]:
    """The ways in which a work's title may be written above it."""
    plain = re.sub(r"\s*\([^()]*\)", "", title)
    yield from dict.fromkeys((title, plain, re.sub(r"[\s,.]*\d{4}$", "", plain)))


def is_title(line: str, title: str | None) -> bool:
    """Whether a line is the work's title, allowing for misprints and added words."""
    key = key_of(line)
    if not title or not key:
        return False
    for form in map(key_of, titles(title)):
        if key == form:
            return True
        matcher = SequenceMatcher(None, key, form)
        if len(form) > 5 and matcher.quick_ratio() >= MIN_RATIO and matcher.ratio() >= MIN_RATIO:
            return True
    longer, shorter = _words(line), _words(title)
    if len(longer) < len(shorter):
        longer, shorter = shorter, longer
    return len(shorter) >= 2 and len(longer) <= 2 * len(shorter) + 1 and _within(shorter, longer)


def _words(text: str) -> list[str]:
    return [key_of(word) for word in _WORDS.findall(text)]


def _within(shorter: list[str], longer: list[str]) -> bool:
    """Whether the words of ``shorter`` occur in this order in ``longer``."""
    rest = iter(longer)
    return all(word in rest for word in shorter)
